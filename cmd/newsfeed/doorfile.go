package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"newsfeed/config"
)

// doorFile lies beside the data while a serve runs, readable by its owner only,
// so that the commands of this machine can act through that server.
type doorFile struct {
	URL string `json:"url"`
	Key string `json:"key"` // an editor's, known to that process only
	PID int    `json:"pid"` // for people
}

func doorFilePath(data string) string { return filepath.Join(data, "door.json") }

// WriteDoorFile leaves the address that a serve listens on, and an editor's key
// for it, beside the data. The folder must be there.
func WriteDoorFile(data string, listens net.Addr, key string) error {
	text, err := json.Marshal(doorFile{URL: config.LocalURL(listens.String()), Key: key, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("write door file: %w", err)
	}
	// Never written in place: a reader sees the old pair or the new one, and the
	// mode is right from the first byte.
	part, err := os.CreateTemp(data, ".door-*")
	if err != nil {
		return fmt.Errorf("write door file: %w", err)
	}
	_, err = part.Write(append(text, '\n'))
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), doorFilePath(data))
	}
	if err != nil {
		return fmt.Errorf("write door file: %w", errors.Join(err, os.Remove(part.Name())))
	}
	return nil
}

// RemoveDoorFile takes the file away, unless another serve has put its own there
// since. Once it is gone, removing it again is no error.
func RemoveDoorFile(data, key string) error {
	door, err := readDoorFile(data)
	if errors.Is(err, fs.ErrNotExist) || err == nil && door.Key != key {
		return nil
	}
	if err := os.Remove(doorFilePath(data)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove door file: %w", err)
	}
	return nil
}

// readDoorFile returns fs.ErrNotExist, wrapped, when there is none.
func readDoorFile(data string) (doorFile, error) {
	var door doorFile
	text, err := os.ReadFile(doorFilePath(data))
	if err == nil {
		err = json.Unmarshal(text, &door)
	}
	if err != nil {
		return doorFile{}, fmt.Errorf("read door file: %w", err)
	}
	return door, nil
}
