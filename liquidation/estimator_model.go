package liquidation

import (
	"fmt"
	"slices"
	"sync"

	"liqbot/market"
)

// Model is parameters made ready for use: a few hundred kilobytes that all
// estimators with these parameters share, and some milliseconds of work that is
// done once. What it says never changes, and it is safe for concurrent use.
type Model struct {
	parameters Parameters
	kernels    [2]kernel // long, short
	// opened is the share of the positions opened that the map holds: 1, or less
	// if the parameters choose leverages.
	opened float64

	once    sync.Once
	spectra [2]kernelSpectra // long, short; of the kernels, for Rebuild
	work    sync.Pool        // of *[]float64, for a median
}

// NewModel prepares parameters. The error wraps ErrParameters.
func NewModel(p Parameters) (*Model, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	p.Tiers, p.Leverages = slices.Clone(p.Tiers), slices.Clone(p.Leverages)
	m := &Model{parameters: p, opened: p.chosen()}
	for i, side := range []market.Side{market.Long, market.Short} {
		k, ok := newKernel(p, side)
		if !ok {
			return nil, fmt.Errorf("%w: no %s level lies within the cut", ErrParameters, side)
		}
		m.kernels[i] = k
	}
	return m, nil
}

// Parameters returns what the model was made of. Do not change its slices.
func (m *Model) Parameters() Parameters { return m.parameters }

// NewEstimator makes an estimator with an empty map.
func (m *Model) NewEstimator() *Estimator { return &Estimator{model: m, scale: 1} }

// transformed are the spectra of the kernels. They take a fraction of a
// millisecond, which a model that only ever steps is spared.
func (m *Model) transformed() *[2]kernelSpectra {
	m.once.Do(func() {
		for i := range m.spectra {
			m.spectra[i] = newKernelSpectra(m.kernels[i])
		}
	})
	return &m.spectra
}
