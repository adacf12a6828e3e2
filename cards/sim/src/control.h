/* The simulated board seen from the other side: its clock, its lines and who is at their far ends.
 *
 * In the same shared library as either face, so that a test that opens the library by its path controls the board that
 * the driver, which opened the same path, drives. Every function may be called from any thread. A number below 0 is a
 * refusal; cysim_error() says why.
 *
 * Plain declarations only: the compiler and cffi both read this file.
 */

/* Kinds of channels, as the Donjin face numbers them. */
#define CYSIM_EXTENSION 0
#define CYSIM_TRUNK 1
#define CYSIM_RECORDER 3
#define CYSIM_PRI 4
#define CYSIM_SS1 5

/* What a line is doing, as its far end (the exchange, or the telephone) sees it. */
#define CYSIM_IDLE 0
#define CYSIM_RINGING 1    /* trunk: the exchange rings us · extension: the board rings the telephone */
#define CYSIM_DIALLING 2   /* trunk: we have dial tone, or are sending digits */
#define CYSIM_PROCEEDING 3 /* trunk: the exchange looks for the far end, or rings it */
#define CYSIM_TALKING 4    /* trunk: answered, either way · extension: lifted */
#define CYSIM_RELEASED 5   /* trunk: the far end is gone, and we are still off hook */
#define CYSIM_DEAD 6       /* unplugged */

typedef struct {
    int kind;
    int state;
    int off_hook;        /* trunk: the board's relay · extension: the telephone's hook */
    int reversed;        /* polarity */
    int script_running;
    int rings;           /* bursts since it began to ring */
    double heard_dbm0;   /* what the far end hears now; -96 is silence */
    double said_dbm0;    /* what it says now */
} cysim_line;

typedef struct {
    long long ticks;
    long long late;      /* ticks that began more than 5 ms after their time */
    long long lost;      /* ticks that were skipped because we were more than a second behind */
    int late_p50_us;
    int late_p99_us;
    int late_max_us;
    int busy_p50_us;     /* how long a tick took */
    int busy_p99_us;
    double busy_total_s;
} cysim_statistics;

/* Before the board is started: words key=value; see docs/boards.md. */
int cysim_configure(const char *text);
/* Stop the board, forget its configuration and all scripts, back to manual time. */
int cysim_reset(void);
/* 1: 20 ms ticks in real time by a thread of the board · 0: time stands still but for cysim_step. */
int cysim_real_time(int on);
/* Manual time: run so many ticks of 20 ms. The number of ticks so far. */
long long cysim_step(int ticks);
long long cysim_ticks(void);

/* Number of lines of the started board. */
int cysim_lines(void);
int cysim_line_now(int line, cysim_line *now);
/* Run a script at this line's far end; it ends the one that is running. */
int cysim_do(int line, const char *script);
/* What the far end does each time by itself. event: "dialled" (trunk: after our number) or "rung" (extension). */
int cysim_when(int line, const char *event, const char *script);
/* Samples at 8 kHz that the far end says, after what it has to say already; how many were taken. */
int cysim_say(int line, const short *samples, int count);
/* How many samples it still has to say. */
int cysim_unsaid(int line);
/* The last so many samples the far end heard, oldest first; silence before the first. At most 80,000 (10 s). */
int cysim_heard(int line, short *samples, int count);
/* The call on a timeslot of E1 as its exchange sees it, for who does the signalling in another way: state is of enum digital
 * in core.h. what: 0 call the number (as from us), 1 accept, 2 answer the call that came, 3 clear with the cause. */
typedef struct { int state, cause, outgoing; char called[64], calling[64]; } cysim_timeslot;
int cysim_timeslot_now(int line, cysim_timeslot *now);
int cysim_timeslot_do(int line, int what, const char *called, const char *calling, int cause);
/* The sound of channels as a gateway carries it: A-law, in pieces of 20 ms. A stream begins empty; one is kept of each
 * channel that was switched on. */
int cysim_stream(int line, int on);
/* One piece of each of these lines that has one, the oldest: got[i] 1, pieces[i * 160]. How many were there. */
int cysim_stream_take(const int *lines, int count, unsigned char *pieces, unsigned char *got);
/* One piece for each of these lines: it is said after 40 ms of others, or when they are late after silence. */
int cysim_stream_give(const int *lines, int count, const unsigned char *pieces);
/* Pieces of all streams since the library was loaded. Lost: not taken in time, or given while too many waited. Left out so
 * that delay stays short: of silence, of sound. dry: how often a line had to wait for its next piece. */
typedef struct { long long untaken, too_many, silence, sound, dry; } cysim_stream_counts;
int cysim_stream_counted(cysim_stream_counts *now);
/* The number the exchange was dialled last, and the digits the far end heard since; their length. */
int cysim_dialled(int line, char *text, int size);
int cysim_keys(int line, char *text, int size);
/* The caller-id that the telephone of an extension shows. */
int cysim_shown(int line, char *text, int size);

int cysim_statistics_now(cysim_statistics *now);
int cysim_statistics_clear(void);
const char *cysim_error(void);
