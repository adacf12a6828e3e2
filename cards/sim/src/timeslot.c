/* A timeslot of E1 for who signals in another way than the faces do: the calls of digital.c, moved from outside. */
#include <string.h>

#include "core.h"

static struct channel *timeslot(int line)
{
    struct channel *channel = board_channel(line);
    return channel && (channel->kind == CYSIM_PRI || channel->kind == CYSIM_SS1) ? channel : NULL;
}

EXPORT int cysim_timeslot_now(int line, cysim_timeslot *now)
{
    pthread_mutex_lock(&board_lock);
    struct channel *channel = timeslot(line);
    if (channel) {
        *now = (cysim_timeslot) {.state = (int) channel->digital, .cause = channel->cause, .outgoing = channel->outgoing};
        strcpy(now->called, channel->called);
        strcpy(now->calling, channel->calling);
    }
    pthread_mutex_unlock(&board_lock);
    return channel ? 0 : refuse("line %d is no timeslot", line);
}

EXPORT int cysim_timeslot_do(int line, int what, const char *called, const char *calling, int cause)
{
    int done = 0;
    pthread_mutex_lock(&board_lock);
    struct channel *channel = timeslot(line);
    if (channel && what == 0) done = digital_call(channel, called, calling);
    else if (channel && what == 1) done = digital_accept(channel);
    else if (channel && what == 2) done = digital_connect(channel);
    else if (channel && what == 3) done = digital_clear(channel, cause);
    pthread_mutex_unlock(&board_lock);
    if (!channel) return refuse("line %d is no timeslot", line);
    return done ? 0 : refuse("line %d: nothing to do that with", line);
}
