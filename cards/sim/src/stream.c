/* The sound of channels for a gateway: what comes in from the line and what it is to be told, in pieces of 20 ms. */
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define ROOM 16              /* pieces that wait, either way */
#define BEGIN 2              /* pieces that are there before the first is said */
#define MOST 6               /* pieces that wait to be said: past it the oldest is dropped, so that delay does not grow */
#define LOOK 25              /* ticks in which more than enough waited all the time: then one is dropped */

struct queue {
    unsigned char piece[ROOM][TICK];
    int at, count;
};

struct stream {
    struct queue in, out;
    int saying, ticks, least;
};

static long long lost;

static void drop(struct queue *queue)
{
    queue->at = (queue->at + 1) % ROOM;
    queue->count--;
}

static unsigned char *put(struct queue *queue, int most)
{
    for (; queue->count >= most; lost++) drop(queue);
    return queue->piece[(queue->at + queue->count++) % ROOM];
}

void stream_hear(struct channel *channel)
{
    unsigned char *piece = put(&channel->stream->in, ROOM);
    for (int i = 0; i < TICK; i++) piece[i] = alaw_code[(uint16_t) channel->in[i]];
}

/* A burst after a gap leaves more waiting than need be, for ever: one who sends never sends less than 20 ms in 20 ms. */
static void shorten(struct stream *stream)
{
    int waiting = stream->out.count;
    stream->least = stream->ticks && stream->least < waiting ? stream->least : waiting;
    if (++stream->ticks < LOOK) return;
    if (stream->least >= BEGIN) {
        drop(&stream->out);
        lost++;
    }
    stream->ticks = 0;
}

void stream_say(struct channel *channel, int32_t *sum)
{
    struct stream *stream = channel->stream;
    struct queue *out = &stream->out;
    if (!stream->saying && out->count < BEGIN) return;
    stream->saying = out->count > 0;
    if (!stream->saying) return;
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
        if (channel && channel->stream) memcpy(put(&channel->stream->out, MOST), pieces + (size_t) i * TICK, TICK);
    }
    pthread_mutex_unlock(&board_lock);
    return 0;
}

EXPORT long long cysim_stream_lost(int clear)
{
    pthread_mutex_lock(&board_lock);
    long long count = lost;
    if (clear) lost = 0;
    pthread_mutex_unlock(&board_lock);
    return count;
}
