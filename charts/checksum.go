package charts

import "encoding/binary"

// Adler-32, the checksum of a zlib stream: https://www.rfc-editor.org/rfc/rfc1950
const (
	adlerModulus = 65521
	// adlerWords is how many words fit before a lane of 16 bits overflows: the sum
	// of the prefix sums is at most 510 * 16 * 15 / 2.
	adlerWords = 16
	evenBytes  = 0x00ff00ff00ff00ff
)

// adler32 adds up eight bytes at a time in lanes of one word. hash/adler32 takes
// them one by one, which was a sixth of the time of a whole picture; this takes a
// third of that.
func adler32(data []byte) uint32 {
	a, b := uint64(1), uint64(0)
	for len(data) >= 8*adlerWords {
		// sums has the bytes of all words before, prefixes the sum of those: the bytes
		// count once for each word that follows. Even and odd bytes are kept apart
		// because inside a word each byte has a weight of its own.
		var even, odd, prefixes uint64
		for i := 0; i < 8*adlerWords; i += 8 {
			word := binary.LittleEndian.Uint64(data[i:])
			prefixes += even + odd
			even += word & evenBytes
			odd += word >> 8 & evenBytes
		}
		b += 8*adlerWords*a + 8*lanes(prefixes, 1, 1, 1, 1) + lanes(even, 8, 6, 4, 2) + lanes(odd, 7, 5, 3, 1)
		a += lanes(even+odd, 1, 1, 1, 1)
		a, b = a%adlerModulus, b%adlerModulus
		data = data[8*adlerWords:]
	}
	for _, v := range data {
		a += uint64(v)
		b += a
	}
	return uint32(b%adlerModulus<<16 | a%adlerModulus) //nolint:gosec // two halves of 16 bits.
}

// lanes is the weighted sum of the four lanes of a word.
func lanes(v, w0, w1, w2, w3 uint64) uint64 {
	return v&0xffff*w0 + v>>16&0xffff*w1 + v>>32&0xffff*w2 + v>>48*w3
}
