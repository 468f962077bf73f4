package main

import (
	"slices"

	"liqbot/accuracy"
	"liqbot/handlers"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
)

// publish hands a new snapshot to whoever follows the market.
func (a *app) publish(s *snapshot.Snapshot) {
	a.watcher.Publish(s)
	if a.checker != nil {
		a.agreements.Publish(s)
		a.checker.Publish(s)
	}
}

// checkEstimates gives the commands what only a source of our own estimates can tell, and
// makes what checks them.
func (a *app) checkEstimates(options *handlers.Options) {
	m, ok := a.source.(*marketSource)
	if !ok {
		return
	}
	options.Heatmaps = m
	if m.file == nil {
		return
	}
	a.agreements = accuracy.NewAgreements()
	a.checker = accuracy.New(accuracy.Options{Store: m.file, StaleAfter: a.cfg.stale, Vendor: a.agreements.Of, Log: a.log})
	options.Accuracy = a.checker
}

// observeVenues makes the state of the exchanges' feeds metrics.
func (a *app) observeVenues() {
	if m, ok := a.source.(*marketSource); ok {
		a.metrics.ObserveVenues(m.feeds)
	}
}

// venuesHealth says in the health whether any exchange is connected.
func (a *app) venuesHealth() {
	m, ok := a.source.(*marketSource)
	if !ok {
		return
	}
	if slices.ContainsFunc(m.Status(), func(s exchanges.VenueStatus) bool { return s.Up }) {
		a.health.Set("exchanges", true, "")
	} else {
		a.health.Set("exchanges", false, "no exchange is connected")
	}
}
