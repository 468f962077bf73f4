package charts

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// encoder writes indexed PNG files and is used again. image/png could do it too,
// but with the same palette it takes twice as long as klauspost's deflate for a
// slightly larger file, which is worth these four chunks. What makes a difference
// of ten is the palette, not the encoder.
type encoder struct {
	// deflate has a writer for each level used.
	deflate map[int]*flate.Writer
	out     bytes.Buffer
}

// The parts of a PNG file: https://www.w3.org/TR/png-3/
const (
	signature  = "\x89PNG\r\n\x1a\n"
	bitDepth   = 8
	colorIndex = 3
	// chunkHead is the length and the type in front of a chunk's data.
	chunkHead = 8
	// zlibHead says deflate with a window of 32 KB, compressed fast:
	// https://www.rfc-editor.org/rfc/rfc1950
	zlibHead = "\x78\x01"
)

// encode returns the canvas as a PNG file. The bytes are valid until the next
// call.
func (e *encoder) encode(c *canvas, level int) ([]byte, error) {
	e.out.Reset()
	e.out.WriteString(signature)
	size := binary.BigEndian.AppendUint32(make([]byte, 0, 13), uint32(c.width)) //nolint:gosec // a picture's side.
	size = binary.BigEndian.AppendUint32(size, uint32(c.height))                //nolint:gosec // a picture's side.
	e.chunk("IHDR", append(size, bitDepth, colorIndex, 0, 0, 0))
	colors := make([]byte, 0, 3*maxColors)
	for _, color := range c.palette.colors[:c.palette.n] {
		colors = append(colors, color.R, color.G, color.B)
	}
	e.chunk("PLTE", colors)
	if err := e.pixels(c.pix, level); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	e.chunk("IEND", nil)
	return e.out.Bytes(), nil
}

// pixels compresses straight into the output and fills in the chunk's length
// afterwards. Filter 0 on every row is right for indexed charts: "up" was slower
// and larger.
func (e *encoder) pixels(pix []byte, level int) error {
	start := e.open("IDAT")
	e.out.WriteString(zlibHead)
	w, err := e.writer(level)
	if err != nil {
		return err
	}
	if _, err := w.Write(pix); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	e.out.Write(binary.BigEndian.AppendUint32(nil, adler32(pix)))
	e.close(start)
	return nil
}

// writer returns a writer into the output that starts a new stream.
func (e *encoder) writer(level int) (*flate.Writer, error) {
	if w, ok := e.deflate[level]; ok {
		w.Reset(&e.out)
		return w, nil
	}
	w, err := flate.NewWriter(&e.out, level)
	if err != nil {
		return nil, err
	}
	if e.deflate == nil {
		e.deflate = make(map[int]*flate.Writer)
	}
	e.deflate[level] = w
	return w, nil
}

func (e *encoder) chunk(name string, data []byte) {
	start := e.open(name)
	e.out.Write(data)
	e.close(start)
}

// open starts a chunk and returns where it starts.
func (e *encoder) open(name string) int {
	start := e.out.Len()
	e.out.WriteString("\x00\x00\x00\x00")
	e.out.WriteString(name)
	return start
}

func (e *encoder) close(start int) {
	chunk := e.out.Bytes()[start:]
	binary.BigEndian.PutUint32(chunk, uint32(len(chunk)-chunkHead)) //nolint:gosec // far below 4 GB.
	// The sum covers the type and the data, not the length.
	sum := crc32.ChecksumIEEE(chunk[4:])
	e.out.Write(binary.BigEndian.AppendUint32(nil, sum))
}
