/* Dialling on an outside line as a board does it: dial tone, digits, then what the line's sounds mean. */
#include <string.h>

#include "core.h"

#define TONE_SECONDS 5.0     /* until there is dial tone */
#define PREFIX_SECONDS 0.6   /* after the digit that fetches an outside line, when no second dial tone comes */
#define VOICE_MS 240         /* so much of it means an answer */
#define RINGBACK_SLACK_MS 500

int dial_over(const struct channel *channel)
{
    return channel->dial == DIAL_NONE || channel->dial >= DIAL_CONNECTED;
}

static void turn(struct channel *channel, enum dial to)
{
    channel->dial = to;
    channel->dial_since = board_tick;
    board_event(channel, ON_DIAL, (int) to);
}

static int dialable(const char *digits)
{
    return strlen(digits) < TEXT && strspn(digits, "0123456789*#ABCD") == strlen(digits);
}

int dial_start(struct channel *channel, const char *number, const char *prefix, int by_itself)
{
    if (!*number || !dialable(number) || !dialable(prefix) || channel->kind != CYSIM_TRUNK || !channel->hook) return 0;
    strcpy(channel->dial_number, number);
    strcpy(channel->dial_prefix, prefix);
    channel->dial_auto = by_itself;
    channel->dial_why = 0;
    finder_clear(&channel->finder);
    turn(channel, DIAL_WAIT_TONE);
    return 1;
}

static void send_number(struct channel *channel, const char *digits, enum dial next)
{
    channel_send(channel, digits);
    turn(channel, next);
}

static void result(struct channel *channel, double age)
{
    struct tone_finder *finder = &channel->finder;
    const struct tone *ringback = &settings.country->tones[RINGBACK_TONE];
    int why = 0;
    if (channel->line.reversed) why = 1;
    else if (finder->voice_ms >= VOICE_MS) why = 2;
    else if (channel->dial == DIAL_RINGBACK && finder->ringback_ms > cadence_ms(ringback->ms, ringback->steps) + RINGBACK_SLACK_MS) why = 3;
    if (why) {
        channel->dial_why = why;
        finder_clear(finder);
        turn(channel, DIAL_CONNECTED);
    } else if (finder->found & (1u << BUSY_TONE | 1u << CONGESTION_TONE)) {
        turn(channel, DIAL_BUSY);
    } else if (channel->dial == DIAL_SENT && finder->found & 1u << RINGBACK_TONE) {
        turn(channel, DIAL_RINGBACK);
    } else if (channel->dial == DIAL_SENT && age >= settings.no_signal) {
        turn(channel, DIAL_NO_SIGNAL);
    } else if (channel->dial == DIAL_RINGBACK && age >= settings.no_answer) {
        turn(channel, DIAL_NOBODY);
    }
}

/* One look at how far it has come. */
void dial_go(struct channel *channel)
{
    double age = (double) (board_tick - channel->dial_since) * TICK_MS / 1000;
    unsigned tone = channel->finder.found & 1u << DIAL_TONE;
    switch (channel->dial) {
    case DIAL_WAIT_TONE:
        if (tone && *channel->dial_prefix) send_number(channel, channel->dial_prefix, DIAL_PREFIX);
        else if (tone) send_number(channel, channel->dial_number, DIAL_SENDING);
        else if (age >= TONE_SECONDS) turn(channel, DIAL_NO_TONE);
        break;
    case DIAL_PREFIX:
        if (channel->sending > 0) break;
        finder_clear(&channel->finder);
        turn(channel, DIAL_WAIT_AGAIN);
        break;
    case DIAL_WAIT_AGAIN:
        if (tone || age >= PREFIX_SECONDS) send_number(channel, channel->dial_number, DIAL_SENDING);
        break;
    case DIAL_SENDING:
        if (channel->sending > 0) break;
        finder_clear(&channel->finder);
        turn(channel, DIAL_SENT);
        break;
    case DIAL_SENT: case DIAL_RINGBACK: result(channel, age); break;
    default: break;
    }
}
