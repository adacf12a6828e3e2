/* Caller-id on an analog line: FSK (Bell 202, GR-30, as in China) and DTMF, really sent and really read. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "core.h"

#define HEAD -45.0           /* dBm0 of a carrier */
#define HEAD_MS 100
#define DROP_MS 300          /* a carrier is over after so much quiet */
#define DIGITS_DONE_MS 300
#define LEAST_DIGITS 3

/* Keep what can be in a telephone number. */
void clean_number(char *to, const char *from, int size)
{
    int n = 0;
    for (; *from && n < size - 1; from++)
        if (isdigit((unsigned char) *from) || strchr("*#+", *from)) to[n++] = *from;
    to[n] = 0;
}

static void today(char date[16])
{
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(date, 16, "%m%d%H%M", &local);
}

adsi_tx_state_t *caller_fsk(const struct caller *caller)
{
    adsi_tx_state_t *sender = adsi_tx_init(NULL, ADSI_STANDARD_CLASS);
    if (!sender) return NULL;
    uint8_t message[256];
    char date[16];
    today(date);
    const char *when = caller->date[0] ? caller->date : date;
    int size = adsi_add_field(sender, message, -1, CLASS_MDMF_CALLERID, NULL, 0);
    size = adsi_add_field(sender, message, size, MCLASS_DATETIME, (const uint8_t *) when, (int) strlen(when));
    if (caller->number[0])
        size = adsi_add_field(sender, message, size, MCLASS_CALLER_NUMBER, (const uint8_t *) caller->number, (int) strlen(caller->number));
    else
        size = adsi_add_field(sender, message, size, MCLASS_ABSENCE1, (const uint8_t *) "P", 1);
    if (caller->name[0])
        size = adsi_add_field(sender, message, size, MCLASS_CALLER_NAME, (const uint8_t *) caller->name, (int) strlen(caller->name));
    adsi_tx_put_message(sender, message, size);
    return sender;
}

int caller_dtmf(dtmf_tx_state_t *sender, const char *number)
{
    char text[TEXT + 4] = "D";
    clean_number(text + 1, number, TEXT);
    strcat(text, "C");
    return dtmf_tx_put(sender, text, -1);
}

static void copied(char *to, int size, const uint8_t *from, int length)
{
    int n = 0;
    for (int i = 0; i < length && n < size - 1; i++)
        if (from[i] >= 0x20 && from[i] != 0x7f) to[n++] = (char) from[i];
    to[n] = 0;
}

static void on_message(void *user, const uint8_t *message, int size)
{
    struct caller_reader *reader = user;
    struct caller caller = {{0}, {0}, {0}};
    char raw[TEXT];
    int position = -1, length, whole = 0;
    uint8_t type;
    const uint8_t *body;
    for (int fields = 0; fields < 32; fields++) {
        position = adsi_next_field(reader->fsk, message, size, position, &type, &body, &length);
        if (position <= 0 || length < 0) break;
        if (!body) {
            if (type != CLASS_MDMF_CALLERID && type != CLASS_SDMF_CALLERID) return;
            continue;
        }
        whole = 1;
        if (type == MCLASS_DATETIME) copied(caller.date, sizeof caller.date, body, length > 8 ? 8 : length);
        if (type == MCLASS_CALLER_NAME) copied(caller.name, sizeof caller.name, body, length);
        if (type == MCLASS_CALLER_NUMBER) {
            copied(raw, sizeof raw, body, length);
            clean_number(caller.number, raw, sizeof caller.number);
        }
        if (type == 0 && length > 8) { /* a single message: date, then the number */
            copied(caller.date, 9, body, 8);
            copied(raw, sizeof raw, body + 8, length - 8);
            clean_number(caller.number, raw, sizeof caller.number);
        }
    }
    if (!whole) return;
    if (!caller.date[0]) today(caller.date);
    reader->caller = caller;
    reader->status = CALLER_GOOD;
    reader->by_dtmf = 0;
}

static void on_digits(void *user, const char *digits, int count)
{
    struct caller_reader *reader = user;
    for (int i = 0; i < count && reader->count < TEXT - 1; i++) reader->digits[reader->count++] = digits[i];
    reader->quiet_ms = 0;
}

int reader_init(struct caller_reader *reader)
{
    memset(reader, 0, sizeof *reader);
    reader->fsk = adsi_rx_init(NULL, ADSI_STANDARD_CLASS, on_message, reader);
    reader->dtmf = dtmf_rx_init(NULL, on_digits, reader);
    return reader->fsk && reader->dtmf;
}

void reader_free(struct caller_reader *reader)
{
    if (reader->fsk) adsi_rx_free(reader->fsk);
    if (reader->dtmf) dtmf_rx_free(reader->dtmf);
    memset(reader, 0, sizeof *reader);
}

void reader_clear(struct caller_reader *reader, long tick)
{
    reader->status = CALLER_NONE;
    memset(&reader->caller, 0, sizeof reader->caller);
    reader->count = reader->quiet_ms = reader->loud_ms = reader->by_dtmf = 0;
    reader->at = tick;
    adsi_rx_init(reader->fsk, ADSI_STANDARD_CLASS, on_message, reader);
}

/* Digits that make a caller's number: D or A … C, D or #, or bare digits that are over. */
static int digits_done(struct caller_reader *reader)
{
    int count = reader->count;
    if (!count) return 0;
    char last = reader->digits[count - 1];
    int ended = count > LEAST_DIGITS && (last == 'C' || last == '#' || last == 'D');
    if (!ended && reader->quiet_ms < DIGITS_DONE_MS) return 0;
    reader->digits[count] = 0;
    reader->count = 0;
    if (ended) reader->digits[count - 1] = 0;
    char number[TEXT];
    clean_number(number, reader->digits, sizeof number);
    if (strlen(number) < LEAST_DIGITS) return 0;
    strcpy(reader->caller.number, number);
    reader->caller.name[0] = 0;
    today(reader->caller.date);
    reader->status = CALLER_GOOD;
    reader->by_dtmf = 1;
    return 1;
}

/* Hear a tick while the line is on hook. 1: the status has changed. */
int reader_hear(struct caller_reader *reader, const int16_t *samples, double level, long tick)
{
    int before = reader->status, loud = level > HEAD;
    if (before == CALLER_GOOD) return 0;
    reader->quiet_ms = loud ? 0 : reader->quiet_ms + TICK_MS;
    if (!loud && reader->quiet_ms > 2 * DROP_MS) return 0; /* nothing to read for long */
    adsi_rx(reader->fsk, samples, TICK);
    if (reader->status == CALLER_GOOD) {
        reader->at = tick;
        return 1;
    }
    dtmf_rx(reader->dtmf, samples, TICK);
    if (digits_done(reader)) {
        reader->at = tick;
        return 1;
    }
    if (loud) reader->loud_ms += TICK_MS;
    if (reader->loud_ms >= HEAD_MS && reader->status == CALLER_NONE) reader->status = CALLER_RECEIVING;
    if (!loud && reader->quiet_ms >= DROP_MS && reader->loud_ms) {
        int was = reader->status;
        reader->loud_ms = 0;
        if (was == CALLER_RECEIVING) reader->status = CALLER_FAILED;
    }
    return reader->status != before;
}
