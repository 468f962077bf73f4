package handlers_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/chat"
	"liqbot/handlers"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/storage"
)

var now = time.Date(2026, 11, 24, 14, 5, 8, 0, time.UTC)

// figures are the ones of the mission: shorts outweigh longs 1.73x.
func figures(tb testing.TB, key snapshot.Key, change func(*snapshot.Snapshot, *liquidation.Input)) *snapshot.Snapshot {
	tb.Helper()
	provenance := market.Provenance{Source: "CoinGlass", Origin: market.Vendor, AsOf: now.Add(-8 * time.Second), Venues: []market.Venue{"Binance", "OKX"}}
	measured := provenance
	measured.Origin = market.Measured
	in := liquidation.Input{
		Coin: key.Coin, Window: key.Window, MarkUSD: 90131.71, Provenance: provenance,
		Levels: []liquidation.Level{
			{PriceUSD: 92000, Side: market.Short, IntensityUSD: 1e9, Venue: "Binance"},
			{PriceUSD: 94650, Side: market.Short, IntensityUSD: 0.8e9, Venue: "Binance"},
			{PriceUSD: 94681, Side: market.Short, IntensityUSD: 0.905e9, Venue: "OKX"},
			{PriceUSD: 88000, Side: market.Long, IntensityUSD: 0.5e9, Venue: "Binance"},
			{PriceUSD: 86137, Side: market.Long, IntensityUSD: 1.063e9, Venue: "OKX"},
		},
	}
	s := &snapshot.Snapshot{
		ID: 1, Key: key,
		Price:        market.Price{USD: in.MarkUSD, Kind: market.MarkPrice, Change24h: -0.0123, HasChange24h: true, Provenance: measured},
		Range:        &market.PriceRange{HighUSD: 93012, LowUSD: 84466, Window: market.Week, Provenance: measured},
		OpenInterest: &market.OpenInterest{USD: 57.44e9, Coins: 637000, Change24h: 0.009, HasChange24h: true, Provenance: measured},
		Funding:      &market.Funding{Venue: "Binance", Rate: 0.00007343, Interval: 8 * time.Hour, Provenance: measured},
		Liquidations: &market.Liquidations{LongUSD: 68e6, ShortUSD: 14e6, Over: 24 * time.Hour, Provenance: measured},
		ETF: &market.ETFFlow{
			NetUSD: 459e6, NetCoins: 5891, Week: market.LastWeek, Provenance: measured,
			From: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		},
	}
	if change != nil {
		change(s, &in)
	}
	m, err := liquidation.New(in)
	if err != nil {
		tb.Fatal(err)
	}
	s.Map, s.Summary = m, m.Summarise(0.06, 0.05)
	return s
}

// fakeMarket has what it is given.
type fakeMarket struct {
	coins   []market.Coin
	all     map[snapshot.Key]*snapshot.Snapshot
	err     error
	failure *snapshot.Failure
}

func (f *fakeMarket) Get(k snapshot.Key) *snapshot.Snapshot { return f.all[k] }
func (f *fakeMarket) Coins() []market.Coin                  { return f.coins }
func (f *fakeMarket) Source() string                        { return "CoinGlass" }
func (f *fakeMarket) LastFailure() *snapshot.Failure        { return f.failure }

func (f *fakeMarket) everything() []*snapshot.Snapshot { return slices.Collect(maps.Values(f.all)) }

func (f *fakeMarket) Wait(ctx context.Context, k snapshot.Key) (*snapshot.Snapshot, error) {
	if s := f.all[k]; s != nil {
		return s, nil
	}
	if f.err != nil {
		return nil, f.err
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// fakeSettings keeps settings in memory.
type fakeSettings struct {
	mu  sync.Mutex
	all map[chat.Target]chat.Settings
	err error
}

func (f *fakeSettings) Settings(_ context.Context, t chat.Target) (chat.Settings, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[t], nil
}

func (f *fakeSettings) Change(_ context.Context, t chat.Target, _ chat.Entry, change func(*chat.Settings)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	s := f.all[t]
	change(&s)
	f.all[t] = s
	return nil
}

// fakeCharts makes a picture of nothing.
type fakeCharts struct {
	err  error
	made int
}

func (*fakeCharts) Ready(*snapshot.Snapshot, *locales.Language, chat.Shape) (*chat.Picture, bool) {
	return nil, false
}

func (f *fakeCharts) LiquidationMap(_ context.Context, s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) (*chat.Picture, error) {
	f.made++
	if f.err != nil {
		return nil, f.err
	}
	return &chat.Picture{PNG: []byte("png"), Name: "map.png", Key: l.Tag() + string(rune('0'+shape)) + s.Key.String()}, nil
}

func (f *fakeCharts) Rekt(_ context.Context, s *snapshot.Snapshot, span time.Duration, l *locales.Language, shape chat.Shape) (*chat.Picture, error) {
	f.made++
	if f.err != nil {
		return nil, f.err
	}
	return &chat.Picture{PNG: []byte("png"), Name: "rekt.png", Key: l.Tag() + string(rune('0'+shape)) + s.Key.String() + span.String()}, nil
}

func (f *fakeCharts) Heatmap(_ context.Context, m *snapshot.Heatmap, l *locales.Language, shape chat.Shape) (*chat.Picture, error) {
	f.made++
	if f.err != nil {
		return nil, f.err
	}
	return &chat.Picture{PNG: []byte("png"), Name: "heatmap.png", Key: l.Tag() + string(rune('0'+shape)) + string(m.Coin)}, nil
}

// room is a bot with everything around it.
type room struct {
	*handlers.Handlers
	market   *fakeMarket
	settings *fakeSettings
	alerts   *storage.Store
	charts   *fakeCharts
}

func newRoom(tb testing.TB) *room {
	tb.Helper()
	return newRoomWith(tb, func(*handlers.Options) {})
}

// newRoomWith is newRoom with other options.
func newRoomWith(tb testing.TB, change func(*handlers.Options)) *room {
	tb.Helper()
	r := &room{
		market:   &fakeMarket{coins: []market.Coin{"BTC", "ETH", "SOL", "DOGE", "PEPE", "W"}, all: make(map[snapshot.Key]*snapshot.Snapshot)},
		settings: &fakeSettings{all: make(map[chat.Target]chat.Settings)},
		charts:   &fakeCharts{},
	}
	for _, coin := range r.market.coins {
		for _, w := range market.Windows() {
			key := snapshot.Key{Coin: coin, Window: w}
			r.market.all[key] = figures(tb, key, nil)
		}
	}
	var err error
	if r.alerts, err = storage.Open(tb.Context(), tb.TempDir(), func() time.Time { return now }); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.alerts.Close() })
	options := handlers.Options{
		Snapshots: r.market, All: func(context.Context, market.Window) []*snapshot.Snapshot { return r.market.everything() }, Settings: r.settings, Alerts: r.alerts, Charts: r.charts,
		Hold: 10 * time.Second, Cooldown: 15 * time.Minute, Rest: 4 * time.Hour, Follow: []time.Duration{time.Hour, 4 * time.Hour},
		Status: func(context.Context) handlers.Status {
			return handlers.Status{Version: "v1", Started: now.Add(-time.Hour), Snapshots: 18, Chats: 4, Platforms: []handlers.PlatformStatus{{Name: "telegram", Up: true}, {Name: "discord"}}}
		},
		Owners:     []chat.Member{{Platform: chat.Telegram, ID: "1"}},
		StaleAfter: 2 * time.Minute, RefuseAfter: 15 * time.Minute, ColdWait: 50 * time.Millisecond,
		Now: func() time.Time { return now }, Past: r.alerts, Keeper: r.alerts,
	}
	change(&options)
	r.Handlers = handlers.New(options)
	return r
}

// keptRoom is a room whose settings are kept with the alerts, as the bot's are.
func keptRoom(tb testing.TB) *room {
	tb.Helper()
	return newRoomWith(tb, func(o *handlers.Options) { o.Settings = o.Alerts.(*storage.Store) })
}

// typed is what a member types to the bot in private.
func typed(text string) chat.Request {
	return chat.Request{
		ID: "1", Target: chat.Target{Platform: chat.Telegram, Chat: "7"}, Kind: chat.Private,
		Member: chat.Member{Platform: chat.Telegram, ID: "7"}, Text: text, Addressed: true, LanguageHint: "en",
	}
}

func pressed(data string) chat.Request {
	r := typed("")
	r.Press = data
	return r
}

func (r *room) say(tb testing.TB, request chat.Request) string {
	tb.Helper()
	return r.Handle(tb.Context(), request).Text.String()
}

func wantAll(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("reply lacks %q:\n%s", want, got)
		}
	}
}

func TestLiqSaysWhatTheMapHolds(t *testing.T) {
	r := newRoom(t)
	reply := r.Handle(t.Context(), typed("/liq btc"))
	wantAll(t, reply.Text.String(),
		"BTC liquidation map", "7d", "Mark price: $90,131.71",
		"up to $94,681 (+5.05%): $2.705B of short liquidation intensity", "shorts must buy back",
		"down to $86,137 (-4.43%): $1.563B of long liquidation intensity", "longs are sold",
		"Shorts outweigh longs 1.73x", "±5%: shorts $1B, longs $1.563B",
		"7-day high $93,012, low $84,466", "last week (16 Nov – 20 Nov 2026): +$459M (5,891 BTC)",
		"24 Nov 2026 14:05 UTC", "8 seconds ago", "CoinGlass (vendor's estimate)", "Binance, OKX",
		"not dollars that will be liquidated", "Not financial advice")
	if strings.Contains(reply.Text.String(), "DEMO") || strings.Contains(reply.Text.String(), "Stale") {
		t.Errorf("a live, fresh reply is marked:\n%s", reply.Text)
	}
	if reply.Picture == nil || reply.Edit || reply.Private || reply.Language != "en" {
		t.Errorf("reply = %+v", reply)
	}
	row := reply.Buttons[0]
	if len(row) != 3 || row[0].Data != "v1|liq|BTC|1d|edit" || !row[1].Active || row[2].Active || reply.Buttons[1][0].Data != "v1|liq|7d|BTC|edit" {
		t.Errorf("buttons = %+v", reply.Buttons)
	}
}

func TestInputAsPeopleTypeIt(t *testing.T) {
	r := newRoom(t)
	for text, want := range map[string]string{
		"/liq":                      "v1|liq|BTC|7d|edit",
		"/liq BTCUSDT":              "v1|liq|BTC|7d|edit",
		"/liq@name_bot $btc 7D":     "v1|liq|BTC|7d|edit",
		"/LIQ Bitcoin":              "v1|liq|BTC|7d|edit",
		"/liq ｂｔｃ":                  "v1|liq|BTC|7d|edit",
		"/liq ｅｔｈ　３０ｄ":              "v1|liq|ETH|30d|edit",
		"/liq 1d eth":               "v1|liq|ETH|1d|edit",
		"/liq eth/usdt 24h":         "v1|liq|ETH|1d|edit",
		"/liq ETH-USDT-SWAP":        "v1|liq|ETH|7d|edit",
		"/liq SOLUSDT.P 1w":         "v1|liq|SOL|7d|edit",
		"/liq 1000PEPEUSDT month":   "v1|liq|PEPE|30d|edit",
		"/liq kpepe":                "v1|liq|PEPE|7d|edit",
		"/liq w":                    "v1|liq|W|7d|edit",
		"/liq #doge":                "v1|liq|DOGE|7d|edit",
		"/liq биткоин":              "v1|liq|BTC|7d|edit",
		"/liq 比特币 1d":               "v1|liq|BTC|1d|edit",
		"/liq \u200bbtc\u202e":      "v1|liq|BTC|7d|edit",
		"/liq\u00a0btc\u00a07d":     "v1|liq|BTC|7d|edit",
		"btc":                       "v1|liq|BTC|7d|edit",
		"eth 1d":                    "v1|liq|ETH|1d|edit",
		"/liq \"btc\"":              "v1|liq|BTC|7d|edit",
		"/liq BTCUSD_PERP 30days":   "v1|liq|BTC|30d|edit",
		"/liq xbt":                  "v1|liq|BTC|7d|edit",
		"  /liq   btc   1D  ":       "v1|liq|BTC|1d|edit",
		"/levels btc 30d":           "v1|levels|BTC|30d|edit",
		"/price ETHUSDC":            "v1|price|ETH|edit",
		"/price@some_other_bot sol": "v1|price|SOL|edit",
	} {
		t.Run(text, func(t *testing.T) {
			reply := r.Handle(t.Context(), typed(text))
			for _, row := range reply.Buttons {
				for _, b := range row {
					if b.Data == want {
						return
					}
				}
			}
			t.Errorf("no button %q under %q: %+v", want, reply.Text, reply.Buttons)
		})
	}
}

func TestBadInputGetsAnAnswerThatShowsWhatWorks(t *testing.T) {
	r := newRoom(t)
	for name, c := range map[string]struct{ text, want, button string }{
		"cyrillic look-alike": {"/liq ВТС", "Did you mean", "v1|liq|BTC"},
		"typo":                {"/liq etg", "Did you mean", "v1|liq|ETH"},
		"long typo":           {"/liq bitcoim", "Did you mean", "v1|liq|BTC"},
		"zero for o":          {"/liq s0l", "Did you mean", "v1|liq|SOL"},
		"nothing like it":     {"/liq qwertyuiop", "/liq btc", ""},
		"window of 3d":        {"/liq btc 3d", "1d, 7d and 30d", ""},
		"two coins":           {"/liq btc eth", "/liq btc 7d", ""},
		"unknown command":     {"/moon btc", "/help", ""},
		"plain text":          {"when moon", "/liq btc", ""},
		"huge":                {"/liq " + strings.Repeat("b", 5000), "/liq btc 7d", ""},
		"huge talk":           {strings.Repeat("b", 5000), "All commands: /help", ""},
		"huge unknown":        {"/moon " + strings.Repeat("b", 5000), "/help", ""},
		"html":                {"/liq <b>btc", "/liq btc", ""},
		"only a slash":        {"/", "/help", ""},
		"empty":               {"", "/liq btc", ""},
		"everyone":            {"/liq @everyone", "/liq btc", ""},
		"invalid utf-8":       {"/liq \xff\xfe", "", ""},
		"NUL":                 {"/liq bt\x00c", "BTC liquidation map", ""},
	} {
		t.Run(name, func(t *testing.T) {
			reply := r.Handle(t.Context(), typed(c.text))
			got := reply.Text.String()
			if got == "" || !strings.Contains(got, c.want) {
				t.Errorf("reply = %q, want it to contain %q", got, c.want)
			}
			for _, raw := range []string{"<b>", "everyone", "qwerty", "moon", "bbbbbb"} {
				if strings.Contains(got, raw) {
					t.Errorf("reply repeats raw text: %q", got)
				}
			}
			if c.button != "" && !slices.ContainsFunc(reply.Buttons, func(row []chat.Button) bool {
				return slices.ContainsFunc(row, func(b chat.Button) bool { return b.Data == c.button })
			}) {
				t.Errorf("buttons = %+v, want %q", reply.Buttons, c.button)
			}
		})
	}
}

func TestGroupIsLeftInPeace(t *testing.T) {
	r := newRoom(t)
	for name, c := range map[string]struct {
		text      string
		addressed bool
		silent    bool
	}{
		"another bot's command": {"/moon", false, true},
		"talk":                  {"btc to the moon", false, true},
		"another bot's essay":   {"/ask " + strings.Repeat("why ", 200), false, true},
		"long talk":             {strings.Repeat("why ", 200), false, true},
		"own name":              {"/moon@us_bot", true, false},
		"known command":         {"/liq btc", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			request := typed(c.text)
			request.Kind, request.Addressed = chat.Group, c.addressed
			if reply := r.Handle(t.Context(), request); reply.Silent() != c.silent {
				t.Errorf("silent = %v: %q", reply.Silent(), reply.Text)
			}
		})
	}
}

func TestAgeDecidesHowDataIsShown(t *testing.T) {
	for name, c := range map[string]struct {
		age     time.Duration
		want    string
		without string
		picture bool
	}{
		"fresh":     {90 * time.Second, "BTC liquidation map", "Stale", true},
		"stale":     {3 * time.Minute, "⚠️ Stale data: 3 minutes ago", "No fresh data", true},
		"too old":   {16 * time.Minute, "No fresh data for BTC: the newest is from 16 minutes ago, and data older than 15 minutes is not shown", "$90,131", false},
		"very old":  {72 * time.Hour, "3 days ago", "$90,131", false},
		"of future": {-time.Hour, "just now", "Stale", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			key := snapshot.Key{Coin: "BTC", Window: market.Week}
			// Either of the two figures being old makes the reply old.
			r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
				in.Provenance.AsOf = now.Add(-c.age)
				s.Price.Provenance.AsOf = now.Add(-min(c.age, 0))
			})
			reply := r.Handle(t.Context(), typed("/liq btc"))
			wantAll(t, reply.Text.String(), c.want)
			if strings.Contains(reply.Text.String(), c.without) {
				t.Errorf("reply contains %q:\n%s", c.without, reply.Text)
			}
			if (reply.Picture != nil) != c.picture {
				t.Errorf("picture: %v", reply.Picture)
			}
		})
	}
}

func TestReadings(t *testing.T) {
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	for name, c := range map[string]struct {
		levels []liquidation.Level
		want   []string
	}{
		"long heavy": {[]liquidation.Level{
			{PriceUSD: 92000, Side: market.Short, IntensityUSD: 1e6}, {PriceUSD: 88000, Side: market.Long, IntensityUSD: 2.5e6},
		}, []string{"Longs outweigh shorts 2.50x"}},
		"balanced": {[]liquidation.Level{
			{PriceUSD: 92000, Side: market.Short, IntensityUSD: 1.1e6}, {PriceUSD: 88000, Side: market.Long, IntensityUSD: 1e6},
		}, []string{"balanced", "1.10x"}},
		"near empty": {[]liquidation.Level{
			{PriceUSD: 92000, Side: market.Short, IntensityUSD: 1e9}, {PriceUSD: 88000, Side: market.Long, IntensityUSD: 1e6},
		}, []string{"No ratio"}},
		"one side empty": {[]liquidation.Level{
			{PriceUSD: 92000, Side: market.Short, IntensityUSD: 1e9},
		}, []string{"One-sided map", "no long levels within 6%", "up to $92,000", "$1B"}},
		"nothing within the band": {[]liquidation.Level{
			{PriceUSD: 48935, Side: market.Long, IntensityUSD: 1579370.77}, {PriceUSD: 120000, Side: market.Short, IntensityUSD: 7e6},
		}, []string{"no long levels within 6%. On the whole map: $1.579M", "no short levels within 6%. On the whole map: $7M", "No ratio"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.market.all[key] = figures(t, key, func(_ *snapshot.Snapshot, in *liquidation.Input) { in.Levels = c.levels })
			got := r.say(t, typed("/liq btc"))
			wantAll(t, got, c.want...)
			for _, never := range []string{"NaN", "Inf", "0.00x"} {
				if strings.Contains(got, never) {
					t.Errorf("reply contains %q:\n%s", never, got)
				}
			}
		})
	}
}

func TestDemoRecordedAndLastPriceAreNamed(t *testing.T) {
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	r := newRoom(t)
	r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		in.Provenance.Demo, s.Price.Provenance.Demo = true, true
	})
	for _, text := range []string{"/liq btc", "/levels btc", "/price btc", "/about", "/coins"} {
		wantAll(t, r.say(t, typed(text)), "DEMO")
	}
	r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, _ *liquidation.Input) {
		s.ID, s.Price.Kind = 2, market.LastPrice
		s.Price.Provenance.RecordedAt = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	})
	wantAll(t, r.say(t, typed("/liq btc")), "Last price: $90,131.71", "Recorded market", "10 Jan 2026 12:00 UTC")
}

func TestSourceTroubleIsWordedForTheMember(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"slow":         {nil, "Warming up"},
		"down":         {errors.New("dial tcp: secret-host refused"), "cannot be reached"},
		"rate limited": {&snapshot.Error{Problem: snapshot.RateLimited}, "asks for a pause"},
		"plan":         {&snapshot.Error{Problem: snapshot.PlanTooLow}, "bot check"},
		"key":          {&snapshot.Error{Problem: snapshot.Unauthorized}, "bot check"},
		"bad data":     {&snapshot.Error{Problem: snapshot.BadData}, "cannot be right"},
		"not listed":   {&snapshot.Error{Problem: snapshot.NotListed}, "no map for DOGE"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			delete(r.market.all, snapshot.Key{Coin: "DOGE", Window: market.Week})
			r.market.err = c.err
			got := r.say(t, typed("/liq doge"))
			wantAll(t, got, c.want)
			if strings.Contains(got, "secret-host") {
				t.Errorf("the member sees the cause: %q", got)
			}
		})
	}
}

func TestNoCoinsYet(t *testing.T) {
	r := newRoom(t)
	r.market.coins, r.market.all = nil, nil
	for _, text := range []string{"/liq", "/liq btc", "/coins", "/price eth", "/levels"} {
		wantAll(t, r.say(t, typed(text)), "Warming up")
	}
	r.market.failure = &snapshot.Failure{Err: &snapshot.Error{Problem: snapshot.Unauthorized}}
	wantAll(t, r.say(t, typed("/liq btc")), "bot check")
	for _, text := range []string{"/start", "/help", "/about", "/lang"} {
		if r.say(t, typed(text)) == "" {
			t.Errorf("%s has no answer", text)
		}
	}
}

func TestPictureThatFailsLeavesTheFigures(t *testing.T) {
	r := newRoom(t)
	r.charts.err = errors.New("no ink")
	reply := r.Handle(t.Context(), typed("/liq btc"))
	wantAll(t, reply.Text.String(), "$2.705B", "picture could not be made")
	if reply.Picture != nil {
		t.Error("there is a picture")
	}
}

func TestWorkingIsToldOnceWhenThePictureHasToBeMade(t *testing.T) {
	r := newRoom(t)
	n := 0
	request := typed("/liq btc")
	request.Working = func() { n++ }
	r.Handle(t.Context(), request)
	if n != 1 || r.charts.made != 1 {
		t.Errorf("told %d times, %d pictures made", n, r.charts.made)
	}
}

func TestPressesEditTheirMessage(t *testing.T) {
	r := newRoom(t)
	reply := r.Handle(t.Context(), pressed("v1|liq|ETH|30d|edit"))
	wantAll(t, reply.Text.String(), "ETH liquidation map", "30d")
	if !reply.Edit {
		t.Error("the message is not edited")
	}
	if reply := r.Handle(t.Context(), pressed("v1|liq|ETH")); reply.Edit {
		t.Error("a button without edit edits")
	}
}

func TestForgedAndOldButtonsAreRefused(t *testing.T) {
	r := newRoom(t)
	for _, data := range []string{
		"v0|liq|BTC|7d", "v1", "v1|", "v1|nope", "liq|BTC", "v1|stats", "v1|default|ETH|1d", "v1|start", "v1|liq||7d",
		"v1|liq|BTC 7d", "v1|liq|" + strings.Repeat("A", 80), "\x00\xff", "v1|liq|BTC|7d|edit|edit|edit",
	} {
		reply := r.Handle(t.Context(), pressed(data))
		if reply.Silent() || reply.Picture != nil || !reply.Private {
			t.Errorf("%q: %+v", data, reply)
		}
	}
	for _, data := range []string{"v1|liq|NOPE|7d", "v1|liq|BTC|9d", "v1|lang|xx", "v1|price|BTC|ETH"} {
		if reply := r.Handle(t.Context(), pressed(data)); reply.Silent() || reply.Picture != nil {
			t.Errorf("%q: %+v", data, reply)
		}
	}
	if len(r.settings.all) != 0 {
		t.Errorf("a forged button changed settings: %+v", r.settings.all)
	}
}

func TestLanguageIsChosenByTheRightPeople(t *testing.T) {
	admin := func(is bool, err error) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) { return is, err }
	}
	for name, c := range map[string]struct {
		kind    chat.Kind
		admin   func(context.Context) (bool, error)
		want    string
		changes bool
	}{
		"member in private":    {chat.Private, nil, "Русский", true},
		"admin of a group":     {chat.Group, admin(true, nil), "Русский", true},
		"member of a group":    {chat.Group, admin(false, nil), "Only admins", false},
		"check that fails":     {chat.Group, admin(true, errors.New("timeout")), "could not check", false},
		"group without checks": {chat.Group, nil, "Only admins", false},
		"channel":              {chat.Channel, admin(true, nil), "Русский", true},
	} {
		for how, request := range map[string]chat.Request{"typed": typed("/lang ru"), "pressed": pressed("v1|lang|ru|edit")} {
			t.Run(name+" "+how, func(t *testing.T) {
				r := newRoom(t)
				request.Kind, request.IsAdmin = c.kind, c.admin
				wantAll(t, r.say(t, request), c.want)
				if got := r.settings.all[request.Target].Language == "ru"; got != c.changes {
					t.Errorf("changed = %v, want %v", got, c.changes)
				}
				request.Text, request.Press = "/help", ""
				if got := strings.Contains(r.say(t, request), "Команды"); got != c.changes {
					t.Errorf("help in Russian = %v, want %v", got, c.changes)
				}
			})
		}
	}
}

func TestLanguageComesFromTheHintUntilItIsChosen(t *testing.T) {
	r := newRoom(t)
	for _, c := range []struct{ member, chat, want string }{
		{"ru", "", "Команды"},
		{"zh-hans", "", "命令"},
		{"zh-CN", "ru", "命令"},
		{"xx", "ru", "Команды"},
		{"", "", "Commands"},
		{"en-US", "ru", "Commands"},
	} {
		request := typed("/help")
		request.LanguageHint, request.ChatLanguageHint = c.member, c.chat
		wantAll(t, r.say(t, request), c.want)
	}
}

func TestDefaultsOfAChat(t *testing.T) {
	r := newRoom(t)
	wantAll(t, r.say(t, typed("/default")), "BTC", "7d")
	wantAll(t, r.say(t, typed("/default eth 1d")), "ETH", "1d")
	wantAll(t, r.say(t, typed("/liq")), "ETH liquidation map", "1d")
	wantAll(t, r.say(t, typed("/liq sol")), "SOL liquidation map", "1d")
	wantAll(t, r.say(t, typed("/default nonsense")), "do not know that coin")
	request := typed("/default btc")
	request.Kind = chat.Group
	request.Target.Chat = "-5"
	wantAll(t, r.say(t, request), "Only admins")
	r.settings.err = errors.New("disk full")
	wantAll(t, r.say(t, typed("/default btc")), "nothing was changed")
}

func TestStatsAreForOwners(t *testing.T) {
	r := newRoom(t)
	wantAll(t, r.say(t, typed("/stats")), "Only the bot's owners")
	owner := typed("/stats")
	owner.Member.ID = "1"
	reply := r.Handle(t.Context(), owner)
	wantAll(t, reply.Text.String(), "version v1", "60 minutes", "CoinGlass", "settings of their own: 4", "telegram: up", "discord: down")
	if !reply.Private {
		t.Error("stats are shown to everyone")
	}
	inGroup := owner
	inGroup.Kind = chat.Group
	wantAll(t, r.say(t, inGroup), "in a private chat")
	other := owner
	other.Member.Platform = chat.Discord
	wantAll(t, r.say(t, other), "Only the bot's owners")
}

func TestPriceLevelsAboutAndCoins(t *testing.T) {
	r := newRoom(t)
	wantAll(t, r.say(t, typed("/price btc")), "$90,131.71", "24 h: -1.23%", "Open interest: $57.44B (+0.90% in 24 h)",
		"Funding on Binance: 0.0073% per 8 hours", "at least: longs $68M, shorts $14M", "CoinGlass")
	wantAll(t, r.say(t, typed("/levels btc")), "Shorts above", "$94,650 – $94,681", "$1.705B", "Key level $94,681: $2.705B", "Longs below", "Key level $86,137: $1.563B")
	wantAll(t, r.say(t, typed("/about")), "relative estimate", "not dollars that will be liquidated", "6%", "±5%", "2 minutes", "15 minutes", "CoinGlass")
	wantAll(t, r.say(t, typed("/coins")), "BTC, ETH, SOL, DOGE, PEPE, W")
	wantAll(t, r.say(t, typed("/start")), "/liq btc", "/help")
	if got := r.say(t, typed("/help")); strings.Contains(got, "/stats") {
		t.Error("help shows an owners' command to everyone")
	}
}

func TestSuggestCompletesCoins(t *testing.T) {
	r := newRoom(t)
	for typed, want := range map[string]string{
		"": "BTC ETH SOL", "b": "BTC", "e": "ETH", "bitc": "BTC", "eht": "ETH", "$do": "DOGE", "ｂ": "BTC", "zzzzzz": "", "btcusdt": "BTC",
	} {
		var got []string
		for _, c := range r.Suggest(typed, 3) {
			got = append(got, c.Value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %q", typed, got, want)
		}
	}
}

func TestCommandsAreDescribedInEveryLanguage(t *testing.T) {
	for _, c := range newRoom(t).Commands() {
		for _, tag := range locales.Tags() {
			if d := c.Description[tag]; d == "" || len([]rune(d)) > 100 || strings.HasPrefix(d, "menu.") {
				t.Errorf("/%s in %s: %q", c.Name, tag, d)
			}
		}
	}
}

func TestPanicsBecomeAnApology(t *testing.T) {
	r := newRoom(t)
	r.market.all[snapshot.Key{Coin: "BTC", Window: market.Week}] = &snapshot.Snapshot{}
	wantAll(t, r.say(t, typed("/liq btc")), "Something went wrong")
}

func FuzzHandle(f *testing.F) {
	for _, seed := range []string{"/liq btc 7d", "/liq@x $BTC", "v1|liq|BTC|7d|edit", "/lang zh", "ＢＴＣ", "/liq \u202ebtc", "/default eth 1d", "v1|lang|ru", "/rekt btc 4h", "v1|rekt|4h|BTC|edit", "/top 1d", "/funding $eth", "/etf"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	r := newRoom(f)
	f.Fuzz(func(t *testing.T, text string, press bool) {
		request := typed(text)
		if press {
			request.Text, request.Press = "", text
		}
		reply := r.Handle(t.Context(), request)
		if reply.Silent() {
			t.Fatal("no answer")
		}
		seen := make(map[string]bool)
		for _, row := range reply.Buttons {
			for _, b := range row {
				if len(b.Data) > chat.MaxPress || b.Label == "" || seen[b.Data] {
					t.Fatalf("button %+v in %+v", b, reply.Buttons)
				}
				seen[b.Data] = true
			}
		}
	})
}

func TestFirstQuestionAfterTheStartWaitsForTheCoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &lateMarket{fakeMarket: fakeMarket{coins: []market.Coin{"BTC"}, all: make(map[snapshot.Key]*snapshot.Snapshot)}, from: time.Now().Add(3 * time.Second)}
		key := snapshot.Key{Coin: "BTC", Window: market.Week}
		late.all[key] = figures(t, key, nil)
		h := handlers.New(handlers.Options{
			Snapshots: late, Settings: &fakeSettings{all: make(map[chat.Target]chat.Settings)}, Charts: &fakeCharts{},
			StaleAfter: 2 * time.Minute, RefuseAfter: 15 * time.Minute, ColdWait: 10 * time.Second, Now: func() time.Time { return now },
		})
		wantAll(t, h.Handle(t.Context(), typed("/liq btc")).Text.String(), "$2.705B")
	})
}

// lateMarket knows its coins from a moment on.
type lateMarket struct {
	fakeMarket
	from time.Time
}

func (m *lateMarket) Coins() []market.Coin {
	if time.Now().Before(m.from) {
		return nil
	}
	return m.coins
}
