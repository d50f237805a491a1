package feed

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// packed are rows in their order, in a third of their room and still read at any
// place: rows of one frame are counted from the least of them (frame of reference;
// Goldstein et al., 1998) in as many whole bytes as the greatest needs. It is never
// changed.
//
// First stands a head of eight bytes a frame, the least row and where the frame's
// rows begin with how many bytes each takes; then the rows.
type packed struct {
	n     int
	bytes []byte
}

const (
	frameRows  = 64
	frameHead  = 8
	widthBits  = 3
	packMargin = 4 // that any row may be read as four bytes
)

// widthMask is what a row of so many bytes leaves of four.
var widthMask = [8]uint32{0, 1<<8 - 1, 1<<16 - 1, 1<<24 - 1, 1<<32 - 1}

// pack packs rows, which it does not keep.
func pack(rows []row) packed {
	frames := (len(rows) + frameRows - 1) / frameRows
	b := make([]byte, frames*frameHead, frames*frameHead+4*len(rows)+packMargin)
	for f := range frames {
		frame := rows[f*frameRows : min((f+1)*frameRows, len(rows))]
		least := slices.Min(frame)
		width := (bits.Len32(slices.Max(frame)-least) + 7) / 8
		binary.LittleEndian.PutUint32(b[f*frameHead:], least)
		binary.LittleEndian.PutUint32(b[f*frameHead+4:], uint32(len(b)<<widthBits|width))
		for _, r := range frame {
			for k := range width {
				b = append(b, byte((r-least)>>(8*k)))
			}
		}
	}
	return packed{len(rows), slices.Clip(append(make([]byte, 0, len(b)+packMargin), append(b, 0, 0, 0, 0)...))}
}

// at returns a row.
func (p *packed) at(i int) row {
	head := p.bytes[i/frameRows*frameHead:]
	least, place := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	width := int(place & (1<<widthBits - 1))
	return least + binary.LittleEndian.Uint32(p.bytes[int(place>>widthBits)+i%frameRows*width:])&widthMask[width&7]
}

// rows returns all of them, with room for more.
func (p *packed) rows() []row {
	rows := make([]row, 0, p.n+frameRows)
	for i := range p.n {
		rows = append(rows, p.at(i))
	}
	return rows
}
