/* SPDX-License-Identifier: GPL-2.0-only
 *
 * One D channel of an E1 with libpri (Q.921, Q.931), as a program of its own: the host speaks to it in lines over a socket.
 * libpri is under the GNU General Public License version 2, and so is this file; nothing else of Callyard is linked with it.
 *
 *   pri_link network|user CONTROL-FD FRAMES-FD [TIMER=MILLISECONDS…]
 *
 * Frames: one packet is one HDLC frame with room for its two octets of FCS. Lines: docs/boards.md, "The helper". It must not
 * know boards, sound or calls beyond their signalling, and ends when the host closes the socket.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libpri.h>

#define LINE 1024
#define CALLS 64
#define TEXT 64
#define WORDS 12
#define SLOTS 31
#define D_SLOT 16
#define SHORTEST 5           /* address, control, FCS */
#define LONGEST 1024
#define IN_ONE_GO 32
#define NONE 0

struct call {
    int id;                  /* NONE: this entry is free */
    q931_call *q931;
    int slot, cleared;
    int unanswered;          /* their SETUP has had no message of ours: libpri forgets such a call without a word */
};

static struct pri *pri;
static struct call calls[CALLS];
static int control, frames, next_id = 1;

/* ---------------------------------------------------------------- lines to the host */

static void put(char *line, size_t *at, char c)
{
    if (*at < LINE - 2) line[(*at)++] = c;
}

static void put_text(char *line, size_t *at, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char) *text;
        if (isalnum(c) && c < 0x80) put(line, at, (char) c);
        else if (strchr("*#+._-", c)) put(line, at, (char) c);
        else if (*at < LINE - 5) *at += (size_t) sprintf(line + *at, "%%%02X", c);
    }
}

/* %d a number, %s a text that is escaped; all else as it stands. */
static void tell(const char *format, ...)
{
    char line[LINE], number[16];
    size_t at = 0;
    va_list values;
    va_start(values, format);
    for (; *format; format++) {
        if (*format != '%') put(line, &at, *format);
        else if (*++format == 's') put_text(line, &at, va_arg(values, const char *));
        else {
            snprintf(number, sizeof number, "%d", va_arg(values, int));
            for (const char *digit = number; *digit; digit++) put(line, &at, *digit);
        }
    }
    va_end(values);
    line[at++] = '\n';
    for (size_t sent = 0; sent < at;) {
        ssize_t n = send(control, line + sent, at - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) exit(1);
        sent += (size_t) n;
    }
}

static void on_error(struct pri *link, char *text)
{
    (void) link;
    tell("trouble text=%s", text);
}

static void on_message(struct pri *link, char *text)
{
    (void) link;
    (void) text;
}

/* ---------------------------------------------------------------- calls */

static struct call *call_of(const q931_call *q931)
{
    for (int i = 0; q931 && i < CALLS; i++)
        if (calls[i].id && calls[i].q931 == q931) return &calls[i];
    return NULL;
}

static struct call *call_named(int id)
{
    for (int i = 0; id != NONE && i < CALLS; i++)
        if (calls[i].id == id) return &calls[i];
    return NULL;
}

static struct call *call_new(int id, q931_call *q931, int slot)
{
    for (int i = 0; i < CALLS; i++) {
        if (calls[i].id) continue;
        calls[i] = (struct call) {.id = id, .q931 = q931, .slot = slot};
        return &calls[i];
    }
    return NULL;
}

static void call_cleared(struct call *call, int cause)
{
    if (!call->cleared) tell("cleared call=%d cause=%d", call->id, cause > 0 && cause < 128 ? cause : PRI_CAUSE_NORMAL_UNSPECIFIED);
    call->cleared = 1;
}

static void call_released(struct call *call)
{
    tell("released call=%d", call->id);
    call->id = NONE;
}

/* ---------------------------------------------------------------- what libpri tells */

static int slot_of(int channel)
{
    int slot = channel & 0xff;
    return channel > 0 && slot >= 1 && slot <= SLOTS && slot != D_SLOT ? slot : 0;
}

static void on_ring(pri_event_ring *ring)
{
    int speech = ring->ctype == PRI_TRANS_CAP_SPEECH || ring->ctype == PRI_TRANS_CAP_3_1K_AUDIO;
    struct call *call = call_of(ring->call);
    if (call) {              /* more digits of a SETUP that was acknowledged */
        tell("digits call=%d digits=%s complete=%d", call->id, ring->callednum, ring->complete ? 1 : 0);
        return;
    }
    call = speech ? call_new(next_id, ring->call, slot_of(ring->channel)) : NULL;
    if (!call) {
        pri_proceeding(pri, ring->call, slot_of(ring->channel), 0);
        pri_hangup(pri, ring->call, speech ? PRI_CAUSE_SWITCH_CONGESTION : PRI_CAUSE_BEARERCAPABILITY_NOTIMPL);
        return;
    }
    call->unanswered = 1;
    next_id = next_id > 1000000000 ? 1 : next_id + 2;
    tell("setup call=%d slot=%d exclusive=%d hidden=%d complete=%d caller=%s called=%s name=%s", call->id, call->slot, !ring->flexible,
         (ring->callingpres & PRI_PRES_RESTRICTION) == PRI_PRES_RESTRICTED, ring->complete ? 1 : 0, ring->callingnum, ring->callednum,
         ring->callingname);
}

static void on_restart(int channel)
{
    int slot = slot_of(channel);
    for (int i = 0; i < CALLS; i++) {
        if (!calls[i].id || (slot && calls[i].slot != slot)) continue;
        pri_destroycall(pri, calls[i].q931);
        call_cleared(&calls[i], PRI_CAUSE_NORMAL_TEMPORARY_FAILURE);
        call_released(&calls[i]);
    }
    tell("restart slot=%d", slot);
}

static void on_hangup(pri_event *event)
{
    struct call *call = call_of(event->hangup.call);
    int over = event->e != PRI_EVENT_HANGUP_REQ;
    if (event->e != PRI_EVENT_HANGUP_ACK) pri_hangup(pri, event->hangup.call, event->hangup.cause);
    if (!call) return;
    if (event->e != PRI_EVENT_HANGUP_ACK || !call->cleared) call_cleared(call, event->hangup.cause);
    if (over) call_released(call);
}

static void on_proceeding(const char *what, q931_call *q931, int channel, int progress)
{
    struct call *call = call_of(q931);
    if (!call) return;
    if (slot_of(channel)) call->slot = slot_of(channel);
    tell("progress call=%d slot=%d what=%s inband=%d", call->id, call->slot, what, progress & PRI_PROG_INBAND_AVAILABLE ? 1 : 0);
}

static void on_event(pri_event *event)
{
    if (!event) return;
    switch (event->e) {
    case PRI_EVENT_DCHAN_UP: tell("up"); break;
    case PRI_EVENT_DCHAN_DOWN: tell("down"); break;
    case PRI_EVENT_RESTART: on_restart(event->restart.channel); break;
    case PRI_EVENT_RESTART_ACK: tell("restarted slot=%d", slot_of(event->restartack.channel)); break;
    case PRI_EVENT_RING: case PRI_EVENT_INFO_RECEIVED: on_ring(&event->ring); break;
    case PRI_EVENT_SETUP_ACK: on_proceeding("more", event->setup_ack.call, event->setup_ack.channel, event->setup_ack.progressmask); break;
    case PRI_EVENT_PROCEEDING: on_proceeding("proceeding", event->proceeding.call, event->proceeding.channel, event->proceeding.progressmask); break;
    case PRI_EVENT_PROGRESS: on_proceeding("progress", event->proceeding.call, event->proceeding.channel, event->proceeding.progressmask); break;
    case PRI_EVENT_RINGING: on_proceeding("ringing", event->ringing.call, event->ringing.channel, event->ringing.progressmask); break;
    case PRI_EVENT_ANSWER: on_proceeding("answered", event->answer.call, event->answer.channel, 0); break;
    case PRI_EVENT_HANGUP: case PRI_EVENT_HANGUP_REQ: case PRI_EVENT_HANGUP_ACK: on_hangup(event); break;
    case PRI_EVENT_CONFIG_ERR: tell("trouble text=%s", event->err.err); break;
    default: break;
    }
}

/* ---------------------------------------------------------------- what the host asks */

struct words {
    int count;
    char *key[WORDS], *value[WORDS];
};

static const char *text_of(const struct words *words, const char *key)
{
    for (int i = 0; i < words->count; i++)
        if (!strcmp(words->key[i], key)) return words->value[i];
    return "";
}

static int number_of(const struct words *words, const char *key, int least, int most, int otherwise)
{
    char *end;
    const char *text = text_of(words, key);
    long number = strtol(text, &end, 10);
    return *text && !*end && number >= least && number <= most ? (int) number : otherwise;
}

static int digits_only(const char *text)
{
    return strlen(text) < TEXT && strspn(text, "0123456789*#") == strlen(text);
}

static const char *setup(const struct words *words)
{
    char called[TEXT], caller[TEXT];
    int id = number_of(words, "call", 2, 2000000000, NONE), slot = number_of(words, "slot", 1, SLOTS, 0);
    int hidden = number_of(words, "hidden", 0, 1, 0);
    if (id == NONE || id % 2 || call_named(id)) return "an even call that is not there yet";
    if (!slot || slot == D_SLOT) return "a timeslot of 1 to 15, 17 to 31";
    if (!digits_only(text_of(words, "called")) || !digits_only(text_of(words, "caller"))) return "numbers of digits";
    strcpy(called, text_of(words, "called"));
    strcpy(caller, text_of(words, "caller"));
    q931_call *q931 = pri_new_call(pri);
    struct pri_sr *request = q931 ? pri_sr_new() : NULL;
    struct call *call = request ? call_new(id, q931, slot) : NULL;
    if (call) {
        pri_sr_set_channel(request, slot, number_of(words, "exclusive", 0, 1, 0), 0);
        pri_sr_set_bearer(request, PRI_TRANS_CAP_SPEECH, PRI_LAYER_1_ALAW);
        pri_sr_set_called(request, called, PRI_UNKNOWN, number_of(words, "complete", 0, 1, 1));
        if (*caller)
            pri_sr_set_caller(request, caller, NULL, PRI_UNKNOWN,
                              hidden ? PRES_PROHIB_USER_NUMBER_NOT_SCREENED : PRES_ALLOWED_USER_NUMBER_NOT_SCREENED);
    }
    int sent = call && !pri_setup(pri, q931, request);
    if (request) pri_sr_free(request);
    if (sent) return NULL;
    if (q931) pri_destroycall(pri, q931);
    if (!call) {
        tell("cleared call=%d cause=%d", id, PRI_CAUSE_SWITCH_CONGESTION);
        tell("released call=%d", id);
        return NULL;
    }
    call_cleared(call, PRI_CAUSE_NORMAL_TEMPORARY_FAILURE);
    call_released(call);
    return NULL;
}

static void with_call(const char *verb, struct call *call, const struct words *words)
{
    int slot = number_of(words, "slot", 1, SLOTS, 0);
    if (slot && slot != D_SLOT) call->slot = slot;
    if (strcmp(verb, "hangup")) call->unanswered = 0;
    if (!strcmp(verb, "proceed")) pri_proceeding(pri, call->q931, call->slot, 0);
    else if (!strcmp(verb, "more")) pri_need_more_info(pri, call->q931, call->slot, 0);
    else if (!strcmp(verb, "alert")) pri_acknowledge(pri, call->q931, call->slot, number_of(words, "inband", 0, 1, 0));
    else if (!strcmp(verb, "answer")) pri_answer(pri, call->q931, call->slot, 0);
    else if (!strcmp(verb, "digits")) {
        for (const char *digit = text_of(words, "digits"); *digit; digit++) pri_information(pri, call->q931, *digit);
    } else if (!call->cleared) {
        call->cleared = 1;
        if (call->unanswered) pri_proceeding(pri, call->q931, call->slot, 0);
        pri_hangup(pri, call->q931, number_of(words, "cause", 1, 127, PRI_CAUSE_NORMAL_CLEARING));
    }
}

static const char *carry_out(char *line)
{
    static const char *verbs[] = {"proceed", "more", "alert", "answer", "digits", "hangup"};
    struct words words = {0};
    char *rest = line, *verb = strsep(&rest, " ");
    while (rest) {
        char *word = strsep(&rest, " "), *value = strchr(word, '=');
        if (!value || words.count == WORDS) return "words key=value, at most twelve";
        *value++ = 0;
        words.key[words.count] = word;
        words.value[words.count++] = value;
    }
    if (!strcmp(verb, "setup")) return setup(&words);
    if (!strcmp(verb, "restart")) {
        int slot = number_of(&words, "slot", 1, SLOTS, 0);
        return slot && slot != D_SLOT && !pri_reset(pri, slot) ? NULL : "a timeslot that can be restarted";
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verb, verbs[i])) continue;
        struct call *call = call_named(number_of(&words, "call", 1, 2000000000, NONE));
        if (!strcmp(verb, "digits") && !digits_only(text_of(&words, "digits"))) return "digits";
        if (call) with_call(verb, call, &words); /* it may have ended while this was on its way */
        return NULL;
    }
    return "no such request";
}

static void read_requests(void)
{
    static char held[LINE];
    static size_t count;
    ssize_t got = recv(control, held + count, sizeof held - count, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) exit(0);
    count += (size_t) got;
    for (char *end; (end = memchr(held, '\n', count));) {
        *end = 0;
        const char *why = memchr(held, 0, count) == end ? carry_out(held) : "text";
        if (why) tell("refused text=%s", why);
        count -= (size_t) (end + 1 - held);
        memmove(held, end + 1, count);
    }
    if (count == sizeof held) exit(2);
}

/* ---------------------------------------------------------------- frames */

static int frame_in(struct pri *link, void *buffer, int size)
{
    (void) link;
    ssize_t n = recv(frames, buffer, (size_t) size, MSG_DONTWAIT);
    return n >= SHORTEST && n <= LONGEST ? (int) n : 0;
}

static int frame_out(struct pri *link, void *buffer, int size)
{
    (void) link;
    send(frames, buffer, (size_t) size, MSG_DONTWAIT | MSG_NOSIGNAL); /* one that finds no room is lost, as on a wire */
    return size;
}

static int until_next(void)
{
    struct timeval now, *next = pri_schedule_next(pri);
    if (!next) return 1000;
    gettimeofday(&now, NULL);
    long ms = (next->tv_sec - now.tv_sec) * 1000 + (next->tv_usec - now.tv_usec) / 1000 + 1;
    return ms < 0 ? 0 : ms > 1000 ? 1000 : (int) ms;
}

static int due(void)
{
    struct timeval now, *next = pri_schedule_next(pri);
    gettimeofday(&now, NULL);
    return next && !timercmp(next, &now, >);
}

static void set_timers(int count, char **given)
{
    for (int i = 0; i < count; i++) {
        char *value = strchr(given[i], '=');
        if (!value) continue;
        *value++ = 0;
        int timer = pri_timer2idx(given[i]);
        if (timer >= 0) pri_set_timer(pri, timer, atoi(value));
    }
}

int main(int count, char **given)
{
    if (count < 4) return 64;
    control = atoi(given[2]);
    frames = atoi(given[3]);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(control, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    pri_set_error(on_error);
    pri_set_message(on_message);
    pri = pri_new_cb(0, strcmp(given[1], "network") ? PRI_CPE : PRI_NETWORK, PRI_SWITCH_EUROISDN_E1, frame_in, frame_out, NULL);
    if (!pri) return 70;
    pri_set_overlapdial(pri, 1);
    pri_hangup_fix_enable(pri, 1);
    set_timers(count - 4, given + 4);
    for (;;) {
        struct pollfd both[2] = {{.fd = control, .events = POLLIN}, {.fd = frames, .events = POLLIN}};
        int found = poll(both, 2, until_next());
        if (found < 0 && errno != EINTR) return 71;
        if (due()) on_event(pri_schedule_run(pri));
        if (found > 0 && both[1].revents & (POLLHUP | POLLERR)) return 0;
        for (int i = 0; found > 0 && i < IN_ONE_GO && both[1].revents & POLLIN; i++) {
            on_event(pri_check_event(pri));
            if (poll(&both[1], 1, 0) <= 0) break;
        }
        if (found > 0 && both[0].revents) read_requests();
    }
}
