package liquidation

import "math"

// block is how many bins are convolved at a time, a power of two: measured, 64 and
// 256 take longer.
const block = 128

// spectrum is the transform of up to two blocks of real numbers, with which a
// convolution is a product. Bins are in the order in which the transform leaves
// them, which is no matter as long as nobody looks at one alone.
//
// It is the discrete Fourier transform of the first block plus i times the second,
// each turned by an angle: the product of two of them is the convolution of the
// real numbers modulo x^(2*block) + 1, at half the cost of a transform of 2*block.
// See R. Crandall and B. Fagin, "Discrete weighted transforms and large-integer
// arithmetic", Math. Comp. 62 (1994), https://doi.org/10.1090/S0025-5718-1994-1185244-1
// (right-angle convolution).
type spectrum [block]complex128

// turns[j] is exp(i*pi*j/(2*block)), the angle of element j; roots[j] is
// exp(-2*pi*i*j/block), the root of unity of the transform.
var turns, roots = angles()

func angles() (turn, root spectrum) {
	for j := range turn {
		sin, cos := math.Sincos(math.Pi * float64(j) / (2 * block))
		turn[j] = complex(cos, sin)
		sin, cos = math.Sincos(-2 * math.Pi * float64(j) / block)
		root[j] = complex(cos, sin)
	}
	return turn, root
}

// transform sets s to the spectrum of low and high, a block each. high may be nil,
// which is zeros.
func (s *spectrum) transform(low, high []float64) {
	low = low[:block]
	if high == nil {
		for j, v := range low {
			s[j] = complex(v*real(turns[j]), v*imag(turns[j]))
		}
	} else {
		high = high[:block]
		for j, v := range low {
			s[j] = complex(v, high[j]) * turns[j]
		}
	}
	for half := block / 2; half > 0; half /= 2 {
		stride := block / (2 * half)
		for from := 0; from < block; from += 2 * half {
			a, b := s[from:from+half], s[from+half:from+2*half]
			for j := range a {
				x, y := a[j], b[j]
				a[j], b[j] = x+y, (x-y)*roots[j*stride&(block-1)]
			}
		}
	}
}

// upper undoes transform, but yields the second of the two blocks only. It
// destroys s.
func (s *spectrum) upper(out []float64) {
	for half := 1; half < block; half *= 2 {
		stride := block / (2 * half)
		for from := 0; from < block; from += 2 * half {
			a, b := s[from:from+half], s[from+half:from+2*half]
			for j := range a {
				r := roots[j*stride&(block-1)]
				x, y := a[j], b[j]*complex(real(r), -imag(r))
				a[j], b[j] = x+y, x-y
			}
		}
	}
	out = out[:block]
	for j := range out {
		t := turns[j] // imaginary part of s[j] turned back
		out[j] = (imag(s[j])*real(t) - real(s[j])*imag(t)) / block
	}
}

// addProduct adds the product of two spectra.
func (s *spectrum) addProduct(a, b *spectrum) {
	for j := range s {
		s[j] += a[j] * b[j]
	}
}

// kernelSpectra are the spectra of a kernel by pieces of two blocks that overlap by
// one: piece q begins at element (q-1)*block. A source in block p of the grid
// reaches block p+q through it.
type kernelSpectra struct {
	pieces []spectrum
	// sizes are the square roots of the pieces' sums of squares.
	sizes []float64
}

func newKernelSpectra(k kernel) kernelSpectra {
	n := (len(k.at)-1)/block + 2
	padded := make([]float64, (n+1)*block)
	copy(padded[block:], k.at)
	out := kernelSpectra{pieces: make([]spectrum, n), sizes: make([]float64, n)}
	for q := range n {
		low, high := padded[q*block:][:block], padded[(q+1)*block:][:block]
		out.pieces[q].transform(low, high)
		out.sizes[q] = math.Hypot(size(low), size(high))
	}
	return out
}

func size(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return math.Sqrt(sum)
}
