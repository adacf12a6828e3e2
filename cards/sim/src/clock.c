/* The board's clock: a tick every 20 ms at absolute deadlines, by a thread of its own, or by hand. */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "core.h"

#define TICK_US (TICK_MS * 1000)
#define LATE_US 5000
#define LOST_US 1000000      /* so far behind, ticks are skipped */
#define BUCKETS 1000

static pthread_t thread;
static int threaded, stopping;
static struct histogram {
    long counts[BUCKETS];
    int width_us;
    long total;
    int64_t most, sum;
} lateness = {.width_us = 100}, business = {.width_us = 20};
static long late, lost;

int64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void count(struct histogram *histogram, int64_t us)
{
    if (us < 0) us = 0;
    int64_t bucket = us / histogram->width_us;
    histogram->counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    histogram->total++;
    histogram->sum += us;
    if (us > histogram->most) histogram->most = us;
}

static int share_of(const struct histogram *histogram, double share)
{
    long seen = 0;
    for (int b = 0; b < BUCKETS; b++) {
        seen += histogram->counts[b];
        if (seen >= histogram->total * share && seen) return b == BUCKETS - 1 ? (int) histogram->most : (b + 1) * histogram->width_us;
    }
    return 0;
}

static void clear(struct histogram *histogram)
{
    int width = histogram->width_us;
    memset(histogram, 0, sizeof *histogram);
    histogram->width_us = width;
}

static void timed_step(int64_t due)
{
    int64_t began = clock_us();
    board_step();
    int64_t ended = clock_us();
    if (due) count(&lateness, began - due);
    if (due && began - due > LATE_US) late++;
    count(&business, ended - began);
}

static void *run(void *nothing)
{
    int64_t due = clock_us();
    (void) nothing;
    for (;;) {
        due += TICK_US;
        struct timespec until = {.tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) continue;
        pthread_mutex_lock(&board_lock);
        int stop = stopping;
        if (!stop) {
            int64_t behind = clock_us() - due;
            if (behind > LOST_US) {
                lost += behind / TICK_US;
                due += behind / TICK_US * TICK_US;
            }
            timed_step(due);
        }
        pthread_mutex_unlock(&board_lock);
        if (stop) return NULL;
    }
}

/* Not under the lock: it waits for the thread's end. */
void clock_stop(void)
{
    pthread_mutex_lock(&board_lock);
    int was = threaded;
    stopping = 1;
    pthread_mutex_unlock(&board_lock);
    if (was) pthread_join(thread, NULL);
    pthread_mutex_lock(&board_lock);
    threaded = stopping = 0;
    pthread_mutex_unlock(&board_lock);
}

int clock_real(int on)
{
    if (!on) {
        clock_stop();
        return 0;
    }
    pthread_mutex_lock(&board_lock);
    int failed = threaded ? 0 : pthread_create(&thread, NULL, run, NULL);
    struct sched_param first = {.sched_priority = 1};
    if (!threaded && !failed) pthread_setschedparam(thread, SCHED_RR, &first); /* where we may; else as everybody */
    threaded = threaded || !failed;
    pthread_mutex_unlock(&board_lock);
    return failed;
}

EXPORT int cysim_real_time(int on)
{
    return clock_real(on) ? refuse("no thread for the clock") : 0;
}

EXPORT long long cysim_step(int ticks)
{
    pthread_mutex_lock(&board_lock);
    int refused = threaded ? refuse("time is real: it cannot be stepped") : ticks < 0 ? refuse("time does not go back") : 0;
    for (int i = 0; i < ticks && !refused; i++) timed_step(0);
    long now = board_tick;
    pthread_mutex_unlock(&board_lock);
    return refused ? -1 : now;
}

EXPORT long long cysim_ticks(void)
{
    pthread_mutex_lock(&board_lock);
    long now = board_tick;
    pthread_mutex_unlock(&board_lock);
    return now;
}

EXPORT int cysim_statistics_now(cysim_statistics *now)
{
    pthread_mutex_lock(&board_lock);
    *now = (cysim_statistics) {
        .ticks = business.total, .late = late, .lost = lost,
        .late_p50_us = share_of(&lateness, 0.5), .late_p99_us = share_of(&lateness, 0.99), .late_max_us = (int) lateness.most,
        .busy_p50_us = share_of(&business, 0.5), .busy_p99_us = share_of(&business, 0.99), .busy_total_s = (double) business.sum / 1e6,
    };
    pthread_mutex_unlock(&board_lock);
    return 0;
}

EXPORT int cysim_statistics_clear(void)
{
    pthread_mutex_lock(&board_lock);
    clear(&lateness);
    clear(&business);
    late = lost = 0;
    pthread_mutex_unlock(&board_lock);
    return 0;
}
