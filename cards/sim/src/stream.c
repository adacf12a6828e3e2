/* The sound of channels for a gateway: what comes in from the line and what it is to be told, in pieces of 20 ms. */
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define ROOM 16              /* pieces that wait, either way */
#define BEGIN 2              /* pieces that are there before the first is said */
#define MOST 6               /* pieces that wait to be said: past it the oldest is dropped, so that delay does not grow */
#define LOOK 25              /* ticks in which more than enough waited all the time: then silence is left out */
#define PATIENT 250         /* … and after so many without any silence, sound */
#define QUIET 100            /* no sample of a silent piece is greater: -50 dBm0 */

struct queue {
    unsigned char piece[ROOM][TICK];
    int at, count;
};

struct stream {
    struct queue in, out;
    int saying, waiting, least; /* ticks for which more than enough has waited, and the least that did */
};

static cysim_stream_counts counts;

static void drop(struct queue *queue)
{
    queue->at = (queue->at + 1) % ROOM;
    queue->count--;
}

static unsigned char *put(struct queue *queue, int most, long long *lost)
{
    for (; queue->count >= most; ++*lost) drop(queue);
    return queue->piece[(queue->at + queue->count++) % ROOM];
}

void stream_hear(struct channel *channel)
{
    unsigned char *piece = put(&channel->stream->in, ROOM, &counts.untaken);
    for (int i = 0; i < TICK; i++) piece[i] = alaw_code[(uint16_t) channel->in[i]];
}

static int silent(const unsigned char *piece)
{
    for (int i = 0; i < TICK; i++)
        if (abs(alaw_sample[piece[i]]) > QUIET) return 0;
    return 1;
}

/* What came late leaves more waiting than need be, for ever: one who sends never sends less than 20 ms in 20 ms. */
static void shorten(struct stream *stream)
{
    struct queue *out = &stream->out;
    if (out->count < BEGIN) stream->waiting = 0;
    if (out->count < BEGIN) return;
    if (!stream->waiting || out->count < stream->least) stream->least = out->count;
    if (++stream->waiting < LOOK) return;
    int quiet = silent(out->piece[out->at]);
    if (!quiet && stream->waiting < PATIENT) return;
    drop(out);
    *(quiet ? &counts.silence : &counts.sound) += 1;
    if (!quiet || --stream->least < BEGIN) stream->waiting = 0; /* else as much again may go with the next silence */
}

void stream_say(struct channel *channel, int32_t *sum)
{
    struct stream *stream = channel->stream;
    struct queue *out = &stream->out;
    if (!stream->saying && out->count < BEGIN) return;
    stream->saying = out->count > 0;
    if (!stream->saying) {
        counts.dry++;
        return;
    }
    for (int i = 0; i < TICK; i++) sum[i] += alaw_sample[out->piece[out->at][i]];
    drop(out);
    shorten(stream);
}

void stream_close(struct channel *channel)
{
    free(channel->stream);
    channel->stream = NULL;
}

EXPORT int cysim_stream(int line, int on)
{
    int good = 1;
    pthread_mutex_lock(&board_lock);
    struct channel *channel = board_channel(line);
    if (channel) {
        stream_close(channel);
        if (on) good = (channel->stream = calloc(1, sizeof *channel->stream)) != NULL;
    }
    pthread_mutex_unlock(&board_lock);
    if (!channel) return refuse("line %d is not there", line);
    return good ? 0 : refuse("out of memory");
}

EXPORT int cysim_stream_take(const int *lines, int count, unsigned char *pieces, unsigned char *got)
{
    int found = 0;
    pthread_mutex_lock(&board_lock);
    for (int i = 0; i < count; i++) {
        struct channel *channel = board_channel(lines[i]);
        struct queue *in = channel && channel->stream ? &channel->stream->in : NULL;
        got[i] = in && in->count > 0;
        if (!got[i]) continue;
        memcpy(pieces + (size_t) i * TICK, in->piece[in->at], TICK);
        drop(in);
        found++;
    }
    pthread_mutex_unlock(&board_lock);
    return found;
}

EXPORT int cysim_stream_give(const int *lines, int count, const unsigned char *pieces)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; i < count; i++) {
        struct channel *channel = board_channel(lines[i]);
        if (channel && channel->stream) memcpy(put(&channel->stream->out, MOST, &counts.too_many), pieces + (size_t) i * TICK, TICK);
    }
    pthread_mutex_unlock(&board_lock);
    return 0;
}

EXPORT int cysim_stream_counted(cysim_stream_counts *now)
{
    pthread_mutex_lock(&board_lock);
    *now = counts;
    pthread_mutex_unlock(&board_lock);
    return 0;
}
