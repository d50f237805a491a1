package api

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// maxBound is how many sources, and how many hosts, a key may be bound to.
const maxBound = 100

// keyShape is a key as editors see it; the key itself only in the answer that makes it.
type keyShape struct {
	ID      uuid.UUID      `json:"id"`
	Name    string         `json:"name"`
	Role    account.Role   `json:"role"`
	Sources []string       `json:"sources"`
	Hosts   []string       `json:"hosts"`
	Created time.Time      `json:"created_at"`
	Key     account.Secret `json:"key,omitempty"`
}

func shapeOfKey(k *account.Key) keyShape {
	return keyShape{
		ID: k.ID, Name: k.Name, Role: k.Role, Created: k.Created,
		Sources: append([]string{}, k.Sources...), Hosts: append([]string{}, k.Hosts...),
	}
}

// keyInput is a key to be made.
type keyInput struct {
	Name    string       `json:"name"`
	Role    account.Role `json:"role"`
	Sources []string     `json:"sources"`
	Hosts   []string     `json:"hosts"`
}

func (s *Server) postKey(c *fiber.Ctx, _ *caller) error {
	var in keyInput
	if err := decode(c, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	key, secret, err := s.Keyring.Create(ctx, in.Name, in.Role, in.Sources, in.Hosts)
	if err != nil {
		return err
	}
	shape := shapeOfKey(&key)
	shape.Key = secret
	return send(c, fiber.StatusCreated, &shape)
}

// check normalises what an editor sent, or says all that is wrong.
func (in *keyInput) check() error {
	var bad complaints
	in.Name = strings.TrimSpace(in.Name)
	bad.add("/name", checkName(in.Name))
	in.Role = cmp.Or(in.Role, account.Publisher)
	switch {
	case in.Role != account.Publisher && in.Role != account.Editor:
		bad.add("/role", "must be publisher or editor")
	case in.Role == account.Editor && len(in.Sources)+len(in.Hosts) > 0:
		// Who makes keys could make one that is not bound.
		bad.add("/role", "an editor's key cannot be bound")
	}
	bad = append(bad, checkEach("/sources", in.Sources, checkSource)...)
	bad = append(bad, checkEach("/hosts", in.Hosts, checkHost)...)
	return bad.error()
}

// checkEach replaces texts by their normal form, and names those without one.
func checkEach(location string, texts []string, normal func(string) string) (bad []field) {
	if len(texts) > maxBound {
		return []field{{location, fmt.Sprintf("are more than %d", maxBound)}}
	}
	for i, text := range texts {
		if texts[i] = normal(text); texts[i] == "" {
			bad = append(bad, field{fmt.Sprintf("%s/%d", location, i), "is not valid"})
		}
	}
	return bad
}

// checkSource returns the id of a source in the form that articles have.
func checkSource(id string) string { return string(topic.MakeID(id)) }

// checkHost returns a host in the form that articles' addresses have.
func checkHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
	u, err := url.Parse("https://" + host + "/")
	if err != nil || host == "" || u.Hostname() != strings.Trim(host, "[]") || len(host) > 253 || strings.ContainsAny(host, " *") {
		return ""
	}
	return u.Hostname()
}

func (s *Server) getKeys(c *fiber.Ctx, _ *caller) error {
	ctx, cancel := deadline()
	defer cancel()
	keys, err := s.Keyring.All(ctx)
	if err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	answer := struct {
		Keys []keyShape `json:"keys"`
	}{[]keyShape{}}
	for i := range keys {
		answer.Keys = append(answer.Keys, shapeOfKey(&keys[i]))
	}
	return send(c, fiber.StatusOK, &answer)
}

func (s *Server) deleteKey(c *fiber.Ctx, _ *caller) error {
	text, err := path(c, "id")
	if err != nil {
		return err
	}
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return account.ErrNoKey
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.Keyring.Revoke(ctx, id); err != nil {
		return fmt.Errorf("revoke key %s: %w", id, err)
	}
	c.Response().SetStatusCode(fiber.StatusNoContent)
	return nil
}
