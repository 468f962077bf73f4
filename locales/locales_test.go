package locales_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"liqbot/locales"
)

// categories are the plural forms that each language needs for whole numbers,
// with numbers that take them. Source: Unicode CLDR 48.2 plural rules.
var categories = map[string]map[string]int{
	"en":      {"one": 1, "other": 2},
	"ru":      {"one": 21, "few": 3, "many": 11, "other": -1},
	"zh-Hans": {"other": 1},
}

var pluralForms = []string{"zero", "one", "two", "few", "many", "other"}

// messages reads a locale file: key -> forms, where a plain message has only
// "other".
func messages(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	content, err := os.ReadFile(tag + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := toml.Unmarshal(content, &raw); err != nil {
		t.Fatal(err)
	}
	delete(raw, "numbers")
	out := make(map[string]map[string]string)
	var walk func(prefix string, table map[string]any)
	walk = func(prefix string, table map[string]any) {
		if _, ok := table["other"].(string); ok {
			out[prefix] = make(map[string]string)
			for form, text := range table {
				out[prefix][form] = text.(string)
			}
			return
		}
		for name, value := range table {
			key := strings.TrimPrefix(prefix+"."+name, ".")
			switch value := value.(type) {
			case string:
				out[key] = map[string]string{"other": value}
			case map[string]any:
				walk(key, value)
			default:
				t.Errorf("%s: %s is a %T", tag, key, value)
			}
		}
	}
	walk("", raw)
	return out
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryLanguageHasTheSameKeysAndPlaceholders(t *testing.T) {
	reference := messages(t, locales.Default)
	for _, tag := range locales.Tags() {
		t.Run(tag, func(t *testing.T) {
			own := messages(t, tag)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(reference)), slices.Sorted(maps.Keys(own))); diff != "" {
				t.Errorf("keys (-%s +%s):\n%s", locales.Default, tag, diff)
			}
			for key, forms := range own {
				want := placeholders(reference[key]["other"])
				for form, text := range forms {
					if diff := cmp.Diff(want, placeholders(text)); diff != "" {
						t.Errorf("%s, form %s: placeholders (-%s +%s):\n%s", key, form, locales.Default, tag, diff)
					}
					if strings.TrimSpace(text) == "" {
						t.Errorf("%s, form %s is empty", key, form)
					}
					if strings.Count(text, "*")%2 != 0 || strings.Count(text, "`")%2 != 0 {
						t.Errorf("%s, form %s: markup is not closed: %q", key, form, text)
					}
				}
			}
		})
	}
}

func TestPluralFormsAreComplete(t *testing.T) {
	reference := messages(t, locales.Default)
	for _, tag := range locales.Tags() {
		needed, known := categories[tag]
		if !known {
			t.Errorf("%s: add its plural forms to this test", tag)
			continue
		}
		for key, forms := range messages(t, tag) {
			if len(reference[key]) == 1 {
				if len(forms) != 1 {
					t.Errorf("%s: %s has plural forms, in %s it has none", tag, key, locales.Default)
				}
				continue
			}
			for _, form := range pluralForms {
				_, has := forms[form]
				if _, need := needed[form]; has != need {
					t.Errorf("%s: %s: form %s: present %v, needed %v", tag, key, form, has, need)
				}
			}
		}
	}
}

// A key counts as used when it stands in the code or in the web chat's page.
func TestEveryKeyIsUsed(t *testing.T) {
	var code strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".html", ".js":
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			code.Write(content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range messages(t, locales.Default) {
		section, name, _ := strings.Cut(key, ".")
		// A section whose keys are made in the code: what is behind the dot stands there too.
		made := strings.Contains(code.String(), `"`+section+`."`) && strings.Contains(code.String(), `"`+strings.TrimSuffix(strings.TrimSuffix(name, "_means"), "_usual")+`"`)
		if !made && !strings.Contains(code.String(), `"`+key+`"`) {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

// A key in the code that no file has would be shown to people as it is.
func TestEveryKeyInTheCodeExists(t *testing.T) {
	known := messages(t, locales.Default)
	call := regexp.MustCompile(`(?:\.Say|\.Text|\.Count|\.fail|\.languages|locales\.Each)\(\s*"([a-z_]+\.[a-z_]+)"`)
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("../platforms/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, deeper...) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(content), -1) {
			if _, ok := known[m[1]]; !ok && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s uses %s, which no file has", path, m[1])
			}
		}
	}
}

// Numbers, signs and units are put in as finished pieces; writing direction marks
// are added by code.
func TestSentencesHoldNoUnitsAndNoDirectionMarks(t *testing.T) {
	for _, tag := range locales.Tags() {
		for key, forms := range messages(t, tag) {
			for _, text := range forms {
				for _, r := range text {
					if unicode.Is(unicode.Cf, r) {
						t.Errorf("%s: %s holds %U", tag, key, r)
					}
				}
				if bare := strings.ReplaceAll(text, "$BTC", ""); strings.ContainsAny(bare, "$%") {
					t.Errorf("%s: %s has a sign of its own: %q", tag, key, text)
				}
			}
		}
	}
}

func TestNumbersAsEachLanguageWritesThem(t *testing.T) {
	day := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 14, 5, 0, 0, time.UTC) }
	type figures struct {
		Price, Level, Small, Tiny, Amount, Million, Thousand, Nearly, Negative, Percent, Falling, Times, Plain, Time, Days, Axis string
	}
	got := func(tag string) figures {
		l := locales.For(tag)
		return figures{
			Price: l.Price(90131.71), Level: l.Level(94681), Small: l.Level(0.13245), Tiny: l.Price(0.0000043219),
			Amount: l.Amount(2.705e9), Million: l.Amount(1579370.77), Thousand: l.Amount(87500), Nearly: l.Amount(999_999_999),
			Negative: l.SignedAmount(-72.4e6), Percent: l.SignedPercent(0.0234), Falling: l.SignedPercent(-0.0443), Times: l.Times(1.7306),
			Plain: l.Number(1234.5, 1), Time: l.DateTime(day(time.November, 24)), Days: l.Days(day(time.November, 16), day(time.November, 20)),
			Axis: l.AxisAmount(5e7),
		}
	}
	const nbsp = "\u00a0"
	for tag, want := range map[string]figures{
		"en": {
			"$90,131.71", "$94,681", "$0.13245", "$0.0000043219", "$2.705B", "$1.579M", "$87.5K", "$1B", "-$72.4M", "+2.34%", "-4.43%", "1.73x",
			"1,234.5", "24 Nov 2026 14:05 UTC", "16 Nov – 20 Nov 2026", "$50M",
		},
		"zh-Hans": {
			"90,131.71 美元", "94,681 美元", "0.13245 美元", "0.0000043219 美元", "27.05 亿美元", "157.9 万美元", "8.75 万美元", "10 亿美元", "-7,240 万美元", "+2.34%", "-4.43%", "1.73 倍",
			"1,234.5", "2026-11-24 14:05 UTC", "2026-11-16 – 2026-11-20", "$5,000万",
		},
		"ru": {
			"$90" + nbsp + "131,71", "$94" + nbsp + "681", "$0,13245", "$0,0000043219", "$2,705" + nbsp + "млрд", "$1,579" + nbsp + "млн", "$87,5" + nbsp + "тыс.", "$1" + nbsp + "млрд",
			"-$72,4" + nbsp + "млн", "+2,34%", "-4,43%", "1,73x", "1" + nbsp + "234,5", "24.11.2026 14:05 UTC", "16.11 – 20.11.2026", "$50" + nbsp + "млн",
		},
	} {
		t.Run(tag, func(t *testing.T) {
			if diff := cmp.Diff(want, got(tag)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Powers of ten are where units go wrong.
func TestAmountsAtThePowersOfTen(t *testing.T) {
	for tag, want := range map[string][]string{
		"en":      {"$1", "$999", "$1K", "$10K", "$1M", "$100M", "$2.705B", "$894M", "$1T", "$0"},
		"zh-Hans": {"1 美元", "999 美元", "1,000 美元", "1 万美元", "100 万美元", "1 亿美元", "27.05 亿美元", "8.94 亿美元", "1 万亿美元", "0 美元"},
	} {
		for i, v := range []float64{1, 999, 1e3, 1e4, 1e6, 1e8, 2.705e9, 8.94e8, 1e12, 0} {
			if got := locales.For(tag).Amount(v); got != want[i] {
				t.Errorf("%s: %v is %q, want %q", tag, v, got, want[i])
			}
		}
	}
}

func TestAges(t *testing.T) {
	for tag, want := range map[string][]string{
		"en":      {"just now", "1 second ago", "61 seconds ago", "2 minutes ago", "119 minutes ago", "2 hours ago", "2 days ago"},
		"ru":      {"только что", "1 секунду назад", "61 секунду назад", "2 минуты назад", "119 минут назад", "2 часа назад", "2 дня назад"},
		"zh-Hans": {"刚刚", "1 秒前", "61 秒前", "2 分钟前", "119 分钟前", "2 小时前", "2 天前"},
	} {
		for i, d := range []time.Duration{0, time.Second, 61 * time.Second, 2 * time.Minute, 119 * time.Minute, 2 * time.Hour, 48 * time.Hour} {
			if got := locales.For(tag).Age(d); got != want[i] {
				t.Errorf("%s: %v is %q, want %q", tag, d, got, want[i])
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for hint, want := range map[string]string{
		"en": "en", "en-US": "en", "EN_gb": "en", "ru": "ru", "ru-RU": "ru", "zh": "zh-Hans", "zh-cn": "zh-Hans", "zh-CN": "zh-Hans", "zh-hans-raw": "zh-Hans",
		"classic-zh-cn": "zh-Hans", "zh_CN": "zh-Hans", "русский": "ru", "English": "en", "简体中文": "zh-Hans",
		"": "", "xx": "", "de": "", "be": "", strings.Repeat("a", 40): "", "zh-hant": "zh-Hans", "../../etc": "",
	} {
		got, ok := locales.Match(hint)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", hint, got, ok, want)
		}
	}
}

// What is put into a placeholder is never read as markup.
func TestArgumentsAreNotMarkup(t *testing.T) {
	text := locales.For("en").Text("label.mark_price", "price", "*{price}*`x`")
	if got := text.String(); !strings.Contains(got, "*{price}*`x`") {
		t.Errorf("got %q", got)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("zh-hans")
	f.Fuzz(func(t *testing.T, hint string) {
		tag, ok := locales.Match(hint)
		if ok != slices.Contains(locales.Tags(), tag) {
			t.Errorf("%q: %q, %v", hint, tag, ok)
		}
	})
}
