/* Calls on the timeslots of an E1: the same life for ISDN PRI (Q.931) and China's SS1 (R2), each with its own times.
 *
 * A model of the states, with the far exchange behind it; no signalling bits go over a link.
 */
#include <string.h>

#include "core.h"

#define HOP_MS 40            /* a Q.931 message there */
#define SEIZED_MS 100        /* SS1: seizure and its acknowledgement */
#define DIGIT_MS 120         /* SS1: one compelled cycle */

enum { NORMAL = 16, NO_ANSWER = 19, OUT_OF_ORDER = 27, TIMED_OUT = 102 };

long digital_age_ms(const struct channel *channel)
{
    return (board_tick - channel->digital_since) * TICK_MS;
}

static void turn(struct channel *channel, enum digital to)
{
    channel->digital = to;
    channel->answered |= to == G_TALKING;
    channel->digital_since = board_tick;
    channel->hook = to == G_TALKING || to == G_PROCEEDING || to == G_ALERTING;
    board_event(channel, ON_DIGITAL, (int) to);
}

static void gone(struct channel *channel, int cause)
{
    struct line *line = &channel->line;
    channel->cause = cause;
    if (line->state != CYSIM_IDLE && line->state != CYSIM_RELEASED) line_release(channel, -1);
    turn(channel, G_GONE);
}

static long signalling_ms(const struct channel *channel)
{
    if (channel->kind == CYSIM_PRI) return HOP_MS;
    return SEIZED_MS + (long) (strlen(channel->called) + strlen(channel->calling) + 2) * DIGIT_MS;
}

static void come_in(struct channel *channel)
{
    strcpy(channel->calling, channel->line.caller.number);
    clean_number(channel->called, channel->line.caller.name, TEXT);
    channel->outgoing = 0;
    channel->cause = channel->answered = 0;
    turn(channel, G_ARRIVING);
}

static void number_sent(struct channel *channel)
{
    line_set(channel, CYSIM_PROCEEDING);
    script_start(&channel->line.reaction, script_of_dialled(channel));
    turn(channel, G_PROCEEDING);
}

static void under_way(struct channel *channel, long age)
{
    const struct line *line = &channel->line;
    double limit = channel->digital == G_ALERTING ? settings.no_answer : settings.no_signal;
    if (line->state == CYSIM_TALKING) turn(channel, G_TALKING);
    else if (line->state != CYSIM_PROCEEDING) gone(channel, line->cause);
    else if (channel->digital == G_PROCEEDING && line->tone.tone) turn(channel, G_ALERTING);
    else if (age >= limit * 1000) gone(channel, channel->digital == G_ALERTING ? NO_ANSWER : TIMED_OUT);
}

static void cleared(struct channel *channel)
{
    if (channel->line.state == CYSIM_RELEASED || channel->line.state == CYSIM_IDLE) script_reaction_over(channel);
    else script_call_over(channel);
    line_set(channel, CYSIM_IDLE);
    turn(channel, G_IDLE);
}

void digital_tick(struct channel *channel)
{
    const struct line *line = &channel->line;
    long age = digital_age_ms(channel);
    int ringing = line->state == CYSIM_RINGING;
    if (!line->plugged) {
        if (channel->digital != G_DOWN) channel->cause = OUT_OF_ORDER;
        if (channel->digital != G_DOWN) turn(channel, G_DOWN);
        return;
    }
    switch (channel->digital) {
    case G_DOWN: turn(channel, G_IDLE); break;
    case G_IDLE: if (ringing) come_in(channel); break;
    case G_ARRIVING:
        if (!ringing) gone(channel, NORMAL);
        else if (age >= signalling_ms(channel)) turn(channel, G_OFFERED);
        break;
    case G_OFFERED: case G_ACCEPTED: if (!ringing) gone(channel, NORMAL); break;
    case G_CONNECTING:
        if (!ringing) {
            gone(channel, NORMAL);
        } else if (age >= HOP_MS) {
            line_set(channel, CYSIM_TALKING);
            turn(channel, G_TALKING);
        }
        break;
    case G_TALKING: if (line->state != CYSIM_TALKING) gone(channel, line->cause); break;
    case G_SETUP: if (age >= signalling_ms(channel)) number_sent(channel); break;
    case G_PROCEEDING: case G_ALERTING: under_way(channel, age); break;
    case G_CLEARING: if (age >= 2 * HOP_MS) cleared(channel); break;
    case G_GONE: break;
    }
}

int digital_call(struct channel *channel, const char *called, const char *calling)
{
    struct line *line = &channel->line;
    char number[TEXT];
    if (channel->digital != G_IDLE || line->state != CYSIM_IDLE || strlen(called) >= TEXT) return 0;
    clean_number(number, called, TEXT);
    if (!*number || strcmp(number, called)) return 0;
    clean_number(channel->calling, calling, TEXT);
    strcpy(channel->called, number);
    channel->outgoing = 1;
    channel->cause = channel->answered = 0;
    line_set(channel, CYSIM_DIALLING);
    strcpy(line->dialled, number);
    line->dialled_count = (int) strlen(number);
    turn(channel, G_SETUP);
    return 1;
}

int digital_accept(struct channel *channel)
{
    if (channel->digital != G_OFFERED) return 0;
    turn(channel, G_ACCEPTED);
    return 1;
}

int digital_connect(struct channel *channel)
{
    if (channel->digital != G_OFFERED && channel->digital != G_ACCEPTED) return 0;
    turn(channel, G_CONNECTING);
    return 1;
}

int digital_clear(struct channel *channel, int cause)
{
    if (channel->digital == G_IDLE || channel->digital == G_DOWN || channel->digital == G_CLEARING) return 0;
    if (channel->digital != G_GONE) channel->cause = cause;
    turn(channel, G_CLEARING);
    return 1;
}
