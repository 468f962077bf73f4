package handlers

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/locales"
)

var (
	errMoment = errors.New("no moment")
	errPast   = errors.New("a moment of the past")
)

// farthestMoment bounds how far ahead a moment may lie.
const farthestMoment = 366 * 24 * time.Hour

// weekdays are the days of the week as people write them.
var weekdays = map[string]time.Weekday{
	"monday": 1, "mon": 1, "tuesday": 2, "tue": 2, "tues": 2, "wednesday": 3, "wed": 3, "thursday": 4, "thu": 4, "thur": 4, "thurs": 4,
	"friday": 5, "fri": 5, "saturday": 6, "sat": 6, "sunday": 0, "sun": 0,
	"понедельник": 1, "понедельника": 1, "пн": 1, "вторник": 2, "вторника": 2, "вт": 2, "среда": 3, "среды": 3, "среду": 3, "ср": 3,
	"четверг": 4, "четверга": 4, "чт": 4, "пятница": 5, "пятницы": 5, "пятницу": 5, "пт": 5, "суббота": 6, "субботы": 6, "субботу": 6, "сб": 6,
	"воскресенье": 0, "воскресенья": 0, "вс": 0,
	"周一": 1, "周二": 2, "周三": 3, "周四": 4, "周五": 5, "周六": 6, "周日": 0, "星期一": 1, "星期二": 2, "星期三": 3, "星期四": 4, "星期五": 5,
	"星期六": 6, "星期日": 0, "星期天": 0,
}

// laterDays are words for days from today on.
var laterDays = map[string]int{"today": 0, "tonight": 0, "tomorrow": 1, "сегодня": 0, "завтра": 1, "今天": 0, "明天": 1}

// months are the months as people write them, by their first letters.
var months = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"янв": 1, "фев": 2, "мар": 3, "апр": 4, "май": 5, "мая": 5, "июн": 6, "июл": 7, "авг": 8, "сен": 9, "окт": 10, "ноя": 11, "дек": 12,
}

// parseMoment reads a moment of the future as people type it, in the zone of now: "friday",
// "fri 18:00", "tomorrow", "18:00", "2026-12-01", "1 Dec", "3d". A day without a time means
// its end. The error is errMoment or errPast.
func parseMoment(words []string, now time.Time) (time.Time, error) {
	if len(words) == 0 || len(words) > 4 {
		return time.Time{}, errMoment
	}
	if span, err := locales.ParseSpan(strings.TrimPrefix(strings.Join(words, " "), "in ")); err == nil {
		return now.Add(span), nil
	}
	day, clock, haveClock := words, alert.Clock(0), false
	if last, ok := parseClock(words[len(words)-1]); ok {
		day, clock, haveClock = words[:len(words)-1], last, true
	}
	date, dated, err := parseDay(day, now)
	if err != nil || len(day) == 0 && !haveClock {
		return time.Time{}, errMoment
	}
	var at time.Time
	switch {
	case haveClock:
		at = clock.On(date)
		if !dated && !at.After(now) {
			at = clock.On(alert.Days(date, 1))
		}
	default: // to the end of the day
		at = alert.Clock(0).On(alert.Days(date, 1))
	}
	switch {
	case !at.After(now):
		return time.Time{}, errPast
	case at.Sub(now) > farthestMoment:
		return time.Time{}, errMoment
	default:
		return at, nil
	}
}

// parseDay reads a day; without words it is today, and dated is false.
func parseDay(words []string, now time.Time) (day time.Time, dated bool, err error) {
	switch len(words) {
	case 0:
		return now, false, nil
	case 1:
		word := strings.Trim(strings.ToLower(words[0]), ",.")
		if n, ok := laterDays[word]; ok {
			return alert.Days(now, n), true, nil
		}
		if weekday, ok := weekdays[word]; ok {
			ahead := (int(weekday) - int(now.Weekday()) + 7) % 7
			return alert.Days(now, ahead), true, nil
		}
		for _, layout := range []string{time.DateOnly, "2006/1/2", "2.1.2006", "2006.1.2"} {
			if t, err := time.Parse(layout, words[0]); err == nil {
				return noon(t.Year(), t.Month(), t.Day(), now.Location()), true, nil
			}
		}
		return time.Time{}, false, errMoment
	default:
		day, err := parseDate(words, now)
		return day, true, err
	}
}

// parseDate reads "1 Dec", "Dec 1" and either with a year. Without a year it is the next
// such day.
func parseDate(words []string, now time.Time) (time.Time, error) {
	if len(words) > 3 {
		return time.Time{}, errMoment
	}
	month, number := words[1], words[0]
	if _, ok := monthOf(month); !ok {
		month, number = number, month
	}
	m, ok := monthOf(month)
	d, err := strconv.Atoi(strings.TrimRight(strings.ToLower(number), "stndrh.,"))
	if !ok || err != nil || d < 1 || d > 31 {
		return time.Time{}, errMoment
	}
	year := now.Year()
	if len(words) == 3 {
		if year, err = strconv.Atoi(words[2]); err != nil || year < 2000 || year > 9999 {
			return time.Time{}, errMoment
		}
	}
	day := noon(year, m, d, now.Location())
	if len(words) == 2 && alert.Days(day, 1).Before(now) {
		day = noon(year+1, m, d, now.Location())
	}
	if day.Day() != d {
		return time.Time{}, errMoment
	}
	return day, nil
}

// noon is a moment of a day that every day has.
func noon(year int, m time.Month, day int, zone *time.Location) time.Time {
	return time.Date(year, m, day, 12, 0, 0, 0, zone)
}

func monthOf(word string) (time.Month, bool) {
	letters := []rune(strings.ToLower(word))
	if len(letters) < 3 {
		return 0, false
	}
	m, ok := months[string(letters[:3])]
	return m, ok
}

// parseClock reads a time of day: "23:00", "9am", "9:30pm". A number alone is none.
func parseClock(word string) (alert.Clock, bool) {
	s := strings.ToLower(strings.Trim(word, ","))
	half := 0
	for suffix, h := range map[string]int{"am": 1, "pm": 2} {
		if cut, ok := strings.CutSuffix(s, suffix); ok {
			s, half = cut, h
		}
	}
	hours, minutes, colon := strings.Cut(s, ":")
	if !colon && half == 0 {
		return 0, false
	}
	if !colon {
		minutes = "0"
	}
	h, err := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(minutes)
	if err != nil || err2 != nil || h < 0 || m < 0 || m > 59 || len(hours) > 2 || len(minutes) > 2 {
		return 0, false
	}
	switch {
	case half != 0 && (h < 1 || h > 12):
		return 0, false
	case half != 0:
		h = h%12 + 12*(half-1)
	case h == 24 && m == 0:
		h = 0
	case h > 23:
		return 0, false
	}
	return alert.Clock(60*h + m), true
}

// parseHour is parseClock that takes a number alone for a full hour: "9".
func parseHour(word string) (alert.Clock, bool) {
	if h, err := strconv.Atoi(word); err == nil && len(word) <= 2 && h >= 0 && h <= 24 {
		return alert.Clock(h % 24 * 60), true
	}
	return parseClock(word)
}

// clockText writes a time of day: "23:00".
func clockText(c alert.Clock) string {
	return fmt.Sprintf("%02d:%02d", c/60, c%60)
}
