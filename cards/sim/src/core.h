/* Inside of the simulated board: what its parts share. Both faces and control.c stand on this; it knows no vendor. */
#ifndef CYSIM_CORE_H
#define CYSIM_CORE_H

#include <pthread.h>
#include <stdint.h>
#include <stddef.h>

#include <spandsp.h>

#include "control.h"

#define EXPORT __attribute__((visibility("default")))
#define TICK 160             /* samples */
#define TICK_MS 20
#define MAX_LINES 512
#define MAX_GROUPS 64
#define GROUP_SIZE 32
#define TEXT 64
#define HEARD 80000          /* samples a far end remembers */
#define SAID 480000          /* samples that may wait to be said */
#define MAX_FILE (64 << 20)
#define SILENT -96.0
#define TICKS(seconds) ((long) ((seconds) * 1000 / TICK_MS + 0.5))

/* ---------------------------------------------------------------- tones.c */

enum { DIAL_TONE, BUSY_TONE, CONGESTION_TONE, RINGBACK_TONE, TONES };

struct tone {
    float f1, f2;            /* f2 0: one frequency */
    int steps, need;         /* of the cadence, 0: continuous · runs that must match before it is found */
    int ms[4];               /* on, off, on, off */
};

struct country {
    const char *name;
    struct tone tones[TONES];
    int ring_steps;
    int ring_ms[4];
};

struct tone_maker {
    const struct tone *tone; /* NULL: none */
    float level;
    long at;                 /* ms into the cadence */
    uint32_t phase1, phase2;
};

struct tone_group {          /* one pair of frequencies, and how long it was on and off of late */
    float f1, f2;
    int on, run;             /* run in ms */
    int past[6];             /* completed runs, newest first; past[0] is of the opposite kind of the running one */
};

struct tone_finder {
    const struct country *country;
    int groups;
    struct tone_group group[TONES];
    int group_of[TONES];
    goertzel_descriptor_t bins[2 * TONES];
    int voice_ms;            /* of late, sound that is no tone */
    double level;            /* dBm0 of the last tick */
    int silent_ms;
    unsigned found;          /* bits of tones, since it was cleared */
    int busy_cycles;         /* of busy or congestion, one after the other */
    long ringback_ms;        /* since the last burst ended; -1: none heard */
};

const struct country *country_named(const char *name);
void tone_start(struct tone_maker *maker, const struct tone *tone, float level);
void tone_add(struct tone_maker *maker, int32_t *sum, int fed);
int cadence_on(const int *ms, int steps, long at);
int cadence_ms(const int *ms, int steps);
void finder_init(struct tone_finder *finder, const struct country *country);
void finder_clear(struct tone_finder *finder);
void finder_hear(struct tone_finder *finder, const int16_t *samples);
int finder_tone_on(const struct tone_finder *finder, int tone);
double level_of(const int16_t *samples, int count);

/* ---------------------------------------------------------------- callerid.c */

enum { CALLER_NONE, CALLER_HEAD, CALLER_RECEIVING, CALLER_GOOD, CALLER_FAILED };

struct caller {
    char date[16], number[TEXT], name[TEXT];
};

struct caller_reader {
    adsi_rx_state_t *fsk;
    dtmf_rx_state_t *dtmf;
    int status, by_dtmf;
    struct caller caller;
    char digits[TEXT];
    int count, quiet_ms, loud_ms;
    long at;                 /* tick of the message */
};

adsi_tx_state_t *caller_fsk(const struct caller *caller);
int caller_dtmf(dtmf_tx_state_t *sender, const char *number);
int reader_init(struct caller_reader *reader);
void reader_free(struct caller_reader *reader);
void reader_clear(struct caller_reader *reader, long tick);
int reader_hear(struct caller_reader *reader, const int16_t *samples, double level, long tick);
void clean_number(char *to, const char *from, int size);

/* ---------------------------------------------------------------- media.c */

enum coding { LINEAR, ALAW, ULAW, OKI, GSM, GSM_WAV, LINEAR8, CODINGS };

struct sound {               /* a file, read whole; shared by who plays it */
    int refs;
    enum coding coding;
    int channels;
    size_t size;
    unsigned char *bytes;
};

struct player {
    struct sound *sound;
    size_t at, end;
    int16_t frame[2 * TICK]; /* of a two-frame GSM block */
    int frame_left;
    oki_adpcm_state_t *oki;
    float drift;
    gsm0610_state_t *gsm;
};

struct recorder {
    int file, wav, mixed;
    enum coding coding;
    size_t written, limit;   /* bytes of sound */
    int16_t held[2 * TICK];
    int held_count;
    unsigned char pending[4096];
    size_t pending_size;
    oki_adpcm_state_t *oki;
    gsm0610_state_t *gsm;
};

void media_init(void);
extern uint8_t alaw_code[65536];
extern int16_t alaw_sample[256];
void through_alaw(int16_t *samples);
struct sound *sound_load(const char *name, int coding, const char **why);
struct sound *sound_keep(struct sound *sound);
void sound_drop(struct sound *sound);
struct player *player_make(struct sound *sound, size_t from, size_t bytes);
void player_free(struct player *player);
int player_read(struct player *player, int16_t *samples); /* how many of TICK */
struct recorder *recorder_make(const char *name, int coding, size_t limit, const char **why);
int recorder_write(struct recorder *recorder, const int16_t *samples); /* 0: full */
void recorder_flush(struct recorder *recorder);
void recorder_limit(struct recorder *recorder, unsigned seconds); /* 0: none */
void recorder_free(struct recorder *recorder);
int coding_of_name(const char *name, int otherwise);

/* ---------------------------------------------------------------- script.c */

enum step_kind { STEP_WAIT, STEP_CALL, STEP_ANSWERED, STEP_RING, STEP_ANSWER, STEP_BUSY, STEP_CONGESTION, STEP_DEAD,
                 STEP_HANGUP, STEP_NO_DIAL_TONE, STEP_DIAL_TONE, STEP_LIFT, STEP_REPLACE, STEP_FLASH, STEP_RUNG,
                 STEP_DIGITS, STEP_SAY, STEP_TALK, STEP_TONE, STEP_HUSH, STEP_NOISE, STEP_UNPLUG, STEP_PLUG,
                 STEP_REPEAT, STEPS };

struct step {
    enum step_kind kind;
    int far;                 /* it is the other side of a watched line that says it */
    double number, second, level;
    char text[TEXT], name[TEXT];
    int way;                 /* of caller-id */
    struct sound *sound;
};

struct script {
    int refs, count;
    struct step steps[];
};

struct run {
    struct script *script;
    int step, entered;
    long since;              /* tick */
};

struct channel;
struct script *script_read(const char *text, int kind, const char **why);
struct script *script_keep(struct script *script);
struct script *script_of_dialled(struct channel *channel); /* control.c */
void script_drop(struct script *script);
void script_start(struct run *run, struct script *script);
void script_tick(struct channel *channel);
void script_call_over(struct channel *channel);
void script_reaction_over(struct channel *channel);

/* ---------------------------------------------------------------- line.c */

enum { WAY_FSK, WAY_DTMF, WAY_NONE };

struct speaker {
    struct player *voice;
    int again;
    float sine_left;         /* samples */
    uint32_t sine_phase;
    int32_t sine_rate;
    int16_t sine_scale;
};

struct line {                /* the copper pair and who is at its far end */
    int state, plugged, reversed, dial_tone_given;
    int lifted;              /* the telephone's hook */
    int ringing;             /* there is ringing voltage now */
    long ring_at, rings;     /* ms since it began to ring, bursts */
    int way;                 /* of caller-id */
    struct caller caller;
    adsi_tx_state_t *fsk;
    dtmf_tx_state_t *keys;   /* the far end's, also for DTMF caller-id */
    int keys_left;           /* ticks until all are out */
    struct tone_maker tone;  /* the exchange's */
    long on_hook, off_hook;  /* ms of the board's relay */
    long since;              /* ms in this state */
    long digit_at;           /* ms since the last digit */
    char dialled[TEXT], pressed[128];
    int dialled_count, pressed_count;
    dtmf_rx_state_t *ear;
    float noise;             /* rms, 0: none */
    uint32_t seed;
    struct speaker near, far; /* far: of a recorder's line, on which exchange and telephone are both heard */
    int16_t *said;           /* ring buffer */
    int said_at, said_count;
    int16_t *heard;          /* ring buffer */
    int heard_at;
    double heard_level, said_level;
    int16_t echo[TICK];      /* what was heard the tick before */
    struct run script, reaction; /* what it was told to do · what it does by itself */
    struct script *when_dialled, *when_rung;
    long flash_ms;           /* until it is lifted again */
    int cause;               /* Q.850, of a digital call's end */
};

int line_open(struct channel *channel);
void line_close(struct channel *channel);
void line_tick(struct channel *channel);
void line_say(struct channel *channel, int16_t *samples);
void line_hear(struct channel *channel, const int16_t *samples);
void line_set(struct channel *channel, int state);
void line_hush(struct line *line);
void speaker_hush(struct speaker *speaker);
void line_press(struct line *line, const char *digits);
void line_call(struct channel *channel, const struct step *step);
void line_answer(struct channel *channel);
void line_release(struct channel *channel, int tone); /* the far end is gone; -1: without a tone */
void line_tone(struct line *line, int tone);
void line_plug(struct channel *channel, int in);
void line_rung(struct channel *channel);
int line_voltage(const struct channel *channel);

/* ---------------------------------------------------------------- board.c */

enum event { ON_DIGIT, ON_PLAY_END, ON_RECORD_END, ON_RING, ON_RING_END, ON_CALLER, ON_HOOK, ON_FLASH, ON_BUSY, ON_DIAL,
             ON_POLARITY, ON_SENT, ON_VOLTAGE, ON_DIGITAL };

enum digital { G_IDLE, G_ARRIVING, G_OFFERED, G_ACCEPTED, G_CONNECTING, G_TALKING, G_SETUP, G_PROCEEDING, G_ALERTING, G_GONE,
               G_CLEARING, G_DOWN };

enum dial { DIAL_NONE, DIAL_WAIT_TONE, DIAL_PREFIX, DIAL_WAIT_AGAIN, DIAL_SENDING, DIAL_SENT, DIAL_RINGBACK,
            DIAL_CONNECTED, DIAL_NO_TONE, DIAL_BUSY, DIAL_NOBODY, DIAL_NO_SIGNAL };

struct settings {
    int trunks, extensions, recorders, pri, ss1;
    const struct country *country;
    int polarity, busy, agc, aec, ring_to_state;
    double noise, echo, digit_gap, no_answer, no_signal;
};

struct stream;

struct channel {
    int index, kind;
    struct stream *stream;   /* NULL: no gateway carries it */
    struct line line;
    int hook;                /* a trunk's relay: 1 off hook */
    int16_t in[TICK];        /* from the line, as others hear and record it */
    int16_t out[TICK];       /* to the line */
    dtmf_rx_state_t *dtmf[2];
    int key_now[2], key_last;
    long key_tick;           /* when the last one was let go */
    int dtmf_idle;           /* ticks of silence that the receiver has had */
    char digits[128];
    int digit_count;
    struct tone_finder finder;
    struct caller_reader reader;
    struct player *player;
    struct recorder *recorder;
    dtmf_tx_state_t *sender;
    int sending;
    int deaf;                /* to digits */
    int record_mixed;
    struct tone_maker tone;
    uint64_t hears[MAX_LINES / 64];
    int group, group_mute;   /* conference, 0: none */
    int ring, ring_steady;   /* we ring the telephone */
    long ring_at;
    struct caller ring_caller;
    adsi_tx_state_t *ring_fsk;
    int ring_seen, ring_quiet_ms, ring_count; /* of a trunk that is rung */
    int polarity_seen, voltage_seen;
    int phone_lifted;        /* of an extension, after debouncing */
    long phone_down_ms;      /* -1: it is not down, or that is long known */
    int flashes;
    enum dial dial;
    int dial_auto;
    long dial_since;
    int dial_why;            /* connected: 1 polarity, 2 voice, 3 end of ringback */
    char dial_number[TEXT], dial_prefix[TEXT];
    int agc, aec;
    float gain;
    void *canceller;
    enum digital digital;    /* of a timeslot of E1 */
    long digital_since;      /* tick */
    int outgoing, answered, cause; /* of the last call, Q.850 */
    char called[TEXT], calling[TEXT];
};

extern pthread_mutex_t board_lock;
extern struct settings settings;
extern struct channel *channels;
extern int channel_count;
extern int board_running;
extern long board_tick;      /* ticks since it was started */
extern long board_fed;       /* the tick at which tones and rings were fed last */
extern long board_pushed;    /* the tick until which files may move */

int board_start(const char **why);
void board_stop(void);
void board_step(void);
struct channel *board_channel(int index);
void board_event(struct channel *channel, enum event event, int value); /* each face has its own */
void board_reset_face(void);  /* as well */

void channel_hook(struct channel *channel, int off);
void channel_ring(struct channel *channel, int on, int steady);
void channel_tone(struct channel *channel, int tone); /* -1: none */
int channel_play(struct channel *channel, struct sound *sound, size_t from, size_t bytes);
void channel_stop_play(struct channel *channel);
void channel_record(struct channel *channel, struct recorder *recorder);
void channel_stop_record(struct channel *channel);
void channel_send(struct channel *channel, const char *digits);
void channel_send_stop(struct channel *channel);
void channel_link(struct channel *ear, struct channel *mouth, int on);
int channel_linked(const struct channel *ear, const struct channel *mouth);
int channel_join(struct channel *channel, int group, int mute);
void channel_rest(struct channel *channel);
void channel_echo(struct channel *channel, int on);

/* dial.c */
int dial_start(struct channel *channel, const char *number, const char *prefix, int by_itself);
void dial_go(struct channel *channel);
int dial_over(const struct channel *channel);

/* digital.c */
void digital_tick(struct channel *channel);
int digital_call(struct channel *channel, const char *called, const char *calling);
int digital_accept(struct channel *channel);
int digital_connect(struct channel *channel);
int digital_clear(struct channel *channel, int cause); /* 0: there is nothing to clear */
long digital_age_ms(const struct channel *channel);

/* stream.c, with the lock held */
void stream_hear(struct channel *channel);
void stream_say(struct channel *channel, int32_t *sum);
void stream_close(struct channel *channel);

/* clock.c */
void clock_stop(void);
int clock_real(int on);
int64_t clock_us(void);

/* control.c */
int board_configured(const char *text, const char **why); /* unless cysim_configure was called: take this, or the environment */
/* Note the reason that cysim_error tells; -1. */
int refuse(const char *why, ...) __attribute__((format(printf, 1, 2)));

#endif
