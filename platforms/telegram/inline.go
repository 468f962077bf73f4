package telegram

import (
	"context"
	"log/slog"
	"strconv"
	"strings"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

const (
	// inlineChoices is how many coins are offered while a member types.
	inlineChoices = 5
	// maxQuery is the longest query that is looked at, in bytes.
	maxQuery = 256
)

// complete answers "@bot btc" in any chat
// (https://core.telegram.org/bots/api#inline-mode). The answer is not claimed:
// giving it twice changes nothing, and a late one is of no use.
func (s *session) complete(ctx context.Context, id string, q *models.InlineQuery) {
	results := s.results(ctx, id, q)
	err := s.limited(ctx, s.cfg.Timing.Call, func(ctx context.Context) error {
		_, err := s.api.AnswerInlineQuery(ctx, &bot.AnswerInlineQueryParams{
			InlineQueryID: q.ID, Results: results,
			// The library leaves 0 out, which would mean five minutes.
			CacheTime: 1, IsPersonal: true,
		})
		return err
	})
	if err != nil {
		s.cfg.Log.Debug("telegram inline answer failed", slog.String("err", s.safe("answerInlineQuery", err).Error()))
	}
}

// results answers a query that names a coin, and otherwise offers coins: as many as
// are ready in Timing.Inline.
func (s *session) results(ctx context.Context, id string, q *models.InlineQuery) []models.InlineQueryResult {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timing.Inline)
	defer cancel()
	query := strings.TrimSpace(q.Query)
	if len(query) > maxQuery {
		query = ""
	}
	out := []models.InlineQueryResult{}
	var refusal chat.Reply
	if query != "" {
		refusal = s.inline(ctx, id, q, query)
		if refusal.Picture != nil {
			return s.offer(out, "", refusal)
		}
	}
	for _, choice := range s.suggest(query) {
		if ctx.Err() != nil {
			break
		}
		// What is meant for the member alone must not be posted to others.
		if r := s.inline(ctx, id, q, choice.Value); !r.Silent() && !r.Private {
			out = s.offer(out, choice.Label, r)
		}
	}
	if len(out) == 0 && !refusal.Silent() && !refusal.Private {
		out = s.offer(out, "", refusal)
	}
	return out
}

func (s *session) suggest(query string) []chat.Choice {
	if s.cfg.Bot.Suggest == nil {
		return nil
	}
	return s.cfg.Bot.Suggest(query, inlineChoices)
}

// inline asks the handler as in a private chat of the member.
func (s *session) inline(ctx context.Context, id string, q *models.InlineQuery, query string) chat.Reply {
	req := s.request(id, &models.Message{Chat: models.Chat{ID: q.From.ID, Type: models.ChatTypePrivate}, From: q.From})
	req.Text, req.Addressed, req.Quick = "/liq "+query, true, true
	return s.cfg.Bot.Handle(ctx, req)
}

// offer adds a reply: its picture where Telegram has it, and its text.
func (s *session) offer(out []models.InlineQueryResult, title string, r chat.Reply) []models.InlineQueryResult {
	text := clean(r.Text)
	head, about := headline(text)
	if title == "" {
		title = head
	}
	if blank(text) {
		return out
	}
	if r.Picture != nil {
		if id := s.uploads.known(r.Picture.Key); id != "" {
			caption, _ := cut(text, maxCaption)
			out = append(out, &models.InlineQueryResultCachedPhoto{
				ID: "p" + strconv.Itoa(len(out)), PhotoFileID: id, Title: title, Description: about,
				Caption: markup(caption), ParseMode: models.ParseModeHTML, ReplyMarkup: markupOf(buttonsOf(r)),
			})
		}
	}
	message, _ := cut(text, maxText)
	return append(out, &models.InlineQueryResultArticle{
		ID: "a" + strconv.Itoa(len(out)), Title: title, Description: about, ReplyMarkup: markupOf(buttonsOf(r)),
		InputMessageContent: models.InputTextMessageContent{
			MessageText: markup(message), ParseMode: models.ParseModeHTML, LinkPreviewOptions: noPreview(),
		},
	})
}

// headline returns the first two lines for the list of results.
func headline(t chat.Text) (title, about string) {
	title, rest, _ := strings.Cut(strings.TrimSpace(t.String()), "\n")
	about, _, _ = strings.Cut(strings.TrimSpace(rest), "\n")
	return clip(title), clip(about)
}
