package handlers

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"liqbot/chat"
)

// zones are the time zones that were loaded, by name.
var zones sync.Map

// loadZone finds a time zone by its IANA name, UTC for none.
func loadZone(name string) (*time.Location, bool) {
	if name == "" {
		return time.UTC, true
	}
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), true
	}
	if path.Clean(name) != name || name == "Local" { // another spelling of a known one, or no zone
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	zones.Store(name, zone)
	return zone, true
}

// zoneRegions are the parts of the world that IANA names begin with.
var zoneRegions = []string{"Europe", "Asia", "America", "Africa", "Australia", "Pacific", "Atlantic", "Indian", "America/Argentina"}

// zoneNames are names that people use and IANA does not.
var zoneNames = map[string]string{
	"utc": "UTC", "gmt": "UTC", "z": "UTC", "zulu": "UTC",
	"cet": "Europe/Berlin", "cest": "Europe/Berlin", "msk": "Europe/Moscow", "est": "America/New_York", "edt": "America/New_York",
	"et": "America/New_York", "ct": "America/Chicago", "cst": "America/Chicago", "cdt": "America/Chicago", "pst": "America/Los_Angeles",
	"pdt": "America/Los_Angeles", "pt": "America/Los_Angeles", "mst": "America/Denver", "bst": "Europe/London", "ist": "Asia/Kolkata",
	"jst": "Asia/Tokyo", "kst": "Asia/Seoul", "hkt": "Asia/Hong_Kong", "sgt": "Asia/Singapore", "aest": "Australia/Sydney",
	"new york": "America/New_York", "nyc": "America/New_York", "san francisco": "America/Los_Angeles", "beijing": "Asia/Shanghai",
	"mumbai": "Asia/Kolkata", "delhi": "Asia/Kolkata", "miami": "America/New_York", "washington": "America/New_York",
	"frankfurt": "Europe/Berlin", "munich": "Europe/Berlin", "geneva": "Europe/Zurich", "milan": "Europe/Rome", "barcelona": "Europe/Madrid",
	"saint petersburg": "Europe/Moscow", "kiev": "Europe/Kyiv", "abu dhabi": "Asia/Dubai", "rio": "America/Sao_Paulo",
	"москва": "Europe/Moscow", "мск": "Europe/Moscow", "питер": "Europe/Moscow", "санкт-петербург": "Europe/Moscow", "киев": "Europe/Kyiv",
	"київ": "Europe/Kyiv", "минск": "Europe/Minsk", "алматы": "Asia/Almaty", "ташкент": "Asia/Tashkent", "тбилиси": "Asia/Tbilisi",
	"ереван": "Asia/Yerevan", "баку": "Asia/Baku", "екатеринбург": "Asia/Yekaterinburg", "новосибирск": "Asia/Novosibirsk",
	"владивосток": "Asia/Vladivostok", "дубай": "Asia/Dubai", "берлин": "Europe/Berlin", "лондон": "Europe/London",
	"北京": "Asia/Shanghai", "上海": "Asia/Shanghai", "香港": "Asia/Hong_Kong", "台北": "Asia/Taipei", "新加坡": "Asia/Singapore",
	"东京": "Asia/Tokyo", "纽约": "America/New_York", "伦敦": "Europe/London",
}

// parseZone finds a time zone as people name it: "Europe/Berlin", "berlin", "UTC+3".
func parseZone(text string) (name string, ok bool) {
	text = strings.TrimSpace(minus.Replace(text))
	if text == "" || len(text) > 64 {
		return "", false
	}
	if name, ok := zoneNames[strings.ToLower(text)]; ok {
		return name, true
	}
	if name, ok := offsetZone(text); ok {
		return name, true
	}
	place := placeName(text)
	if strings.Contains(place, "/") {
		_, ok := loadZone(place)
		return place, ok
	}
	for _, region := range zoneRegions {
		if name := region + "/" + place; place != "" {
			if _, ok := loadZone(name); ok {
				return name, true
			}
		}
	}
	return "", false
}

// placeName writes a name as IANA does: "new york" becomes "New_York".
func placeName(text string) string {
	var out strings.Builder
	start := true
	for _, r := range text {
		switch {
		case r == ' ' || r == '_':
			r, start = '_', true
		case r == '/' || r == '-':
			start = true
		case !unicode.IsLetter(r):
			return ""
		case start:
			r, start = unicode.ToUpper(r), false
		default:
			r = unicode.ToLower(r)
		}
		out.WriteRune(r)
	}
	// Small words in names of places are written small.
	return strings.NewReplacer("_Of_", "_of_", "_Es_", "_es_", "-Au-", "-au-", "Port_Of", "Port_of").Replace(out.String())
}

// halfHours are the zones of offsets that are no full hours.
var halfHours = map[string]string{
	"+5:30": "Asia/Kolkata", "+5:45": "Asia/Kathmandu", "+4:30": "Asia/Kabul", "+3:30": "Asia/Tehran", "+6:30": "Asia/Yangon",
	"+9:30": "Australia/Darwin", "-3:30": "America/St_Johns",
}

// offsetZone reads "UTC+3", "GMT-5", "+3" and "UTC+5:30". IANA's names of fixed offsets
// have the sign the other way round.
func offsetZone(text string) (string, bool) {
	s := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "UTC"), "GMT")
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return "", false
	}
	hours, minutes, _ := strings.Cut(s[1:], ":")
	h, err := strconv.Atoi(hours)
	if err != nil || h > 14 || s[0] == '-' && h > 12 || len(hours) > 2 {
		return "", false
	}
	if minutes != "" && minutes != "00" {
		name, ok := halfHours[fmt.Sprintf("%c%d:%s", s[0], h, minutes)]
		return name, ok
	}
	if h == 0 {
		return "UTC", true
	}
	sign := map[byte]byte{'+': '-', '-': '+'}[s[0]]
	return fmt.Sprintf("Etc/GMT%c%d", sign, h), true
}

// zoneLabel names a time zone for people: "Europe/Berlin (UTC+1)".
func zoneLabel(name string, at time.Time) string {
	zone, ok := loadZone(name)
	if !ok || name == "" || name == "UTC" {
		return "UTC"
	}
	_, offset := at.In(zone).Zone()
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	shown := fmt.Sprintf("UTC%s%d", sign, offset/3600)
	if offset%3600 != 0 {
		shown += fmt.Sprintf(":%02d", offset%3600/60)
	}
	if strings.HasPrefix(name, "Etc/") {
		return shown
	}
	return name + " (" + shown + ")"
}

// timezone answers /timezone: the zone of the chat's times, quiet hours and digest.
func timezone(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if len(c.args) == 0 {
		return c.zonesReply(ctx, s, "timezone.current")
	}
	name, ok := parseZone(strings.Join(c.args, " "))
	if !ok {
		reply := c.zonesReply(ctx, s, "error.timezone")
		reply.Private = true
		return reply
	}
	entry := c.entry("timezone", "from", c.settingsOf(ctx, s).TimeZone, "to", name)
	if ok, refusal := c.changeSettings(ctx, s, entry, func(settings *chat.Settings) { settings.TimeZone = name }); !ok {
		return refusal
	}
	c.settle()
	return c.zonesReply(ctx, s, "timezone.changed")
}

// offeredZones are the zones that a menu offers.
var offeredZones = []string{
	"UTC", "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Europe/Kyiv", "Europe/Istanbul",
	"Europe/Moscow", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
}

// zonesReply is a text about a chat's time zone, with zones to pick from.
func (c *call) zonesReply(ctx context.Context, s subject, key string) chat.Reply {
	name := c.settingsOf(ctx, s).TimeZone
	zone, ok := loadZone(name)
	if !ok {
		zone = time.UTC
	}
	reply := chat.Reply{Text: c.lang.Text(key, "zone", zoneLabel(name, c.now), "time", c.lang.In(zone).DateTime(c.now)), Edit: c.edit}
	if s.name == "" { // the place would stand before the choice
		menu := chat.Menu{Data: press("timezone", "edit"), Label: c.lang.Say("timezone.pick")}
		for _, offered := range offeredZones {
			menu.Choices = append(menu.Choices, chat.MenuChoice{
				Label: zoneLabel(offered, c.now), Value: offered, Active: offered == name || offered == "UTC" && name == "",
			})
		}
		reply.Menus = []chat.Menu{menu}
		reply.Buttons = trimmed([][]chat.Button{{c.backToSettings(s)}})
	}
	return c.told(s, reply)
}
