/* Sound files that a board plays and records: WAV, raw A-law and mu-law, VOX (OKI ADPCM), GSM 6.10.
 *
 * A file is somebody else's: everything its header says is checked against its size before it is believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

#define GSM_FRAME 33
#define GSM_WAV_BLOCK 65
#define HEADER 60            /* the longest WAV header that we write */

uint8_t alaw_code[65536];
int16_t alaw_sample[256];
static int16_t ulaw_sample[256];

void media_init(void)
{
    for (int i = 0; i < 65536; i++) alaw_code[i] = linear_to_alaw((int16_t) i);
    for (int i = 0; i < 256; i++) {
        alaw_sample[i] = alaw_to_linear((uint8_t) i);
        ulaw_sample[i] = ulaw_to_linear((uint8_t) i);
    }
}

void through_alaw(int16_t *samples)
{
    for (int i = 0; i < TICK; i++) samples[i] = alaw_sample[alaw_code[(uint16_t) samples[i]]];
}

static int ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcasecmp(name + n - m, end);
}

int coding_of_name(const char *name, int otherwise)
{
    static const struct { const char *end; enum coding coding; } known[] = {
        {".vox", OKI}, {".ulaw", ULAW}, {".ul", ULAW}, {".mulaw", ULAW}, {".gsm", GSM}, {".al", ALAW}, {".alaw", ALAW},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ends_with(name, known[i].end)) return known[i].coding;
    return otherwise;
}

static unsigned le16(const unsigned char *at) { return at[0] | (unsigned) at[1] << 8; }
static uint32_t le32(const unsigned char *at) { return le16(at) | (uint32_t) le16(at + 2) << 16; }

static const char *format_of(struct sound *sound, const unsigned char *at, uint32_t size)
{
    if (size < 16) return "its fmt chunk is too short";
    unsigned tag = le16(at), channels = le16(at + 2), bits = le16(at + 14);
    if (le32(at + 4) != 8000) return "it is not at 8000 Hz";
    if (channels < 1 || channels > 2) return "it has neither one channel nor two";
    sound->channels = (int) channels;
    if (tag == 1 && bits == 16) sound->coding = LINEAR;
    else if (tag == 1 && bits == 8) sound->coding = LINEAR8;
    else if (tag == 6 && bits == 8) sound->coding = ALAW;
    else if (tag == 7 && bits == 8) sound->coding = ULAW;
    else if (tag == 49 && channels == 1) sound->coding = GSM_WAV;
    else if ((tag == 0x10 || tag == 0x17) && channels == 1) sound->coding = OKI;
    else return "its coding is not one that a board plays";
    return NULL;
}

/* Take the header off a WAV file; NULL when all is well. */
static const char *unwrap(struct sound *sound)
{
    const unsigned char *bytes = sound->bytes;
    size_t at = 12;
    int told = 0;
    while (at + 8 <= sound->size) {
        uint32_t size = le32(bytes + at + 4);
        size_t left = sound->size - at - 8;
        if (!memcmp(bytes + at, "fmt ", 4)) {
            if (size > left) return "its header says more than the file has";
            const char *why = format_of(sound, bytes + at + 8, size);
            if (why) return why;
            told = 1;
        } else if (!memcmp(bytes + at, "data", 4)) {
            if (!told) return "it has no format before its data";
            if (size > left) size = (uint32_t) left; /* still being written, or cut off */
            memmove(sound->bytes, bytes + at + 8, size);
            sound->size = size;
            return NULL;
        }
        if (size > left) return "its header says more than the file has";
        at += 8 + (size_t) size + (size & 1);
    }
    return "it has no data";
}

static const char *read_all(struct sound *sound, const char *name)
{
    struct stat found;
    int file = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return strerror(errno);
    const char *why = NULL;
    if (fstat(file, &found) || !S_ISREG(found.st_mode)) why = "it is no file";
    else if (found.st_size > MAX_FILE) why = "it is too large";
    else if (!(sound->bytes = malloc((size_t) found.st_size + 1))) why = "no memory";
    while (!why && sound->size < (size_t) found.st_size) {
        ssize_t got = read(file, sound->bytes + sound->size, (size_t) found.st_size - sound->size);
        if (got < 0) why = strerror(errno);
        if (got <= 0) break;
        sound->size += (size_t) got;
    }
    close(file);
    return why;
}

/* Read a file. coding -1: by its header or name, else A-law. NULL and the reason when it cannot be played. */
struct sound *sound_load(const char *name, int coding, const char **why)
{
    struct sound *sound = calloc(1, sizeof *sound);
    *why = "no memory";
    if (!sound) return NULL;
    sound->refs = sound->channels = 1;
    sound->coding = coding >= 0 && coding < CODINGS ? (enum coding) coding : (enum coding) coding_of_name(name, ALAW);
    *why = read_all(sound, name);
    if (!*why && sound->size >= 12 && !memcmp(sound->bytes, "RIFF", 4) && !memcmp(sound->bytes + 8, "WAVE", 4)) *why = unwrap(sound);
    if (!*why) return sound;
    sound_drop(sound);
    return NULL;
}

struct sound *sound_keep(struct sound *sound)
{
    if (sound) sound->refs++;
    return sound;
}

void sound_drop(struct sound *sound)
{
    if (!sound || --sound->refs) return;
    free(sound->bytes);
    free(sound);
}

struct player *player_make(struct sound *sound, size_t from, size_t bytes)
{
    struct player *player = calloc(1, sizeof *player);
    if (!player) return NULL;
    player->sound = sound_keep(sound);
    player->at = from < sound->size ? from : sound->size;
    player->end = bytes < sound->size - player->at ? player->at + bytes : sound->size;
    if (sound->coding == OKI) player->oki = oki_adpcm_init(NULL, 32000);
    if (sound->coding == GSM || sound->coding == GSM_WAV)
        player->gsm = gsm0610_init(NULL, sound->coding == GSM ? GSM0610_PACKING_VOIP : GSM0610_PACKING_WAV49);
    return player;
}

void player_free(struct player *player)
{
    if (!player) return;
    if (player->oki) oki_adpcm_free(player->oki);
    if (player->gsm) gsm0610_free(player->gsm);
    sound_drop(player->sound);
    free(player);
}

static int one_plain(const struct sound *sound, const unsigned char *at)
{
    switch (sound->coding) {
    case LINEAR: return (int16_t) le16(at);
    case LINEAR8: return (at[0] - 128) * 256;
    case ULAW: return ulaw_sample[at[0]];
    default: return alaw_sample[at[0]];
    }
}

static int read_plain(struct player *player, int16_t *samples)
{
    const struct sound *sound = player->sound;
    size_t width = sound->coding == LINEAR ? 2 : 1, step = width * (size_t) sound->channels;
    int n = 0;
    for (; n < TICK && player->at + step <= player->end; n++, player->at += step) {
        int value = one_plain(sound, sound->bytes + player->at);
        if (sound->channels == 2) value = (value + one_plain(sound, sound->bytes + player->at + width)) / 2;
        samples[n] = (int16_t) value;
    }
    return n;
}

/* Coders round differently, and OKI ADPCM adds up what they differ by: take the mean away. */
static void without_drift(struct player *player, int16_t *samples, int count)
{
    for (int i = 0; i < count; i++) {
        player->drift += (samples[i] - player->drift) * 0.005f;
        samples[i] = fsaturatef(samples[i] - player->drift);
    }
}

static int read_block(struct player *player, int16_t *samples)
{
    const struct sound *sound = player->sound;
    size_t block = sound->coding == OKI ? TICK / 2 : sound->coding == GSM ? GSM_FRAME : GSM_WAV_BLOCK;
    if (player->frame_left) {
        memcpy(samples, player->frame + TICK, TICK * sizeof *samples);
        player->frame_left = 0;
        return TICK;
    }
    size_t left = player->end - player->at;
    if (left < block && sound->coding != OKI) return 0;
    if (left < block) block = left;
    if (!block) return 0;
    int n;
    if (player->oki) {
        n = oki_adpcm_decode(player->oki, player->frame, sound->bytes + player->at, (int) block);
        without_drift(player, player->frame, n);
    }
    else n = gsm0610_decode(player->gsm, player->frame, sound->bytes + player->at, (int) block);
    player->at += block;
    if (n > TICK) player->frame_left = 1;
    if (n > TICK) n = TICK;
    memcpy(samples, player->frame, (size_t) n * sizeof *samples);
    return n;
}

int player_read(struct player *player, int16_t *samples)
{
    return player->oki || player->gsm ? read_block(player, samples) : read_plain(player, samples);
}

/* ---------------------------------------------------------------- recording */

static void put16(unsigned char *at, unsigned value) { at[0] = (unsigned char) value; at[1] = (unsigned char) (value >> 8); }
static void put32(unsigned char *at, uint32_t value) { put16(at, value & 0xffff); put16(at + 2, value >> 16); }

static size_t wav_header(const struct recorder *recorder, unsigned char *header)
{
    static const unsigned tags[CODINGS] = {[LINEAR] = 1, [ALAW] = 6, [ULAW] = 7, [OKI] = 0x17, [GSM_WAV] = 49};
    static const unsigned rates[CODINGS] = {[LINEAR] = 16000, [ALAW] = 8000, [ULAW] = 8000, [OKI] = 4000, [GSM_WAV] = 1625};
    static const unsigned aligns[CODINGS] = {[LINEAR] = 2, [ALAW] = 1, [ULAW] = 1, [OKI] = 1, [GSM_WAV] = GSM_WAV_BLOCK};
    static const unsigned bits[CODINGS] = {[LINEAR] = 16, [ALAW] = 8, [ULAW] = 8, [OKI] = 4, [GSM_WAV] = 0};
    int gsm = recorder->coding == GSM_WAV, extra = gsm ? 4 : recorder->coding == LINEAR ? 0 : 2, fact = recorder->coding != LINEAR;
    size_t size = 12 + 8 + 16 + (size_t) extra + (fact ? 12 : 0) + 8;
    memset(header, 0, HEADER);
    memcpy(header, "RIFF", 4);
    put32(header + 4, (uint32_t) (size - 8 + recorder->written));
    memcpy(header + 8, "WAVEfmt ", 8);
    put32(header + 16, 16 + (uint32_t) extra);
    put16(header + 20, tags[recorder->coding]);
    put16(header + 22, 1);
    put32(header + 24, 8000);
    put32(header + 28, rates[recorder->coding]);
    put16(header + 32, aligns[recorder->coding]);
    put16(header + 34, bits[recorder->coding]);
    unsigned char *at = header + 36 + extra;
    if (gsm) {
        put16(header + 36, 2);
        put16(header + 38, 2 * TICK);
    }
    if (fact) {
        memcpy(at, "fact", 4);
        put32(at + 4, 4);
        put32(at + 8, (uint32_t) (gsm ? recorder->written / GSM_WAV_BLOCK * 2 * TICK : recorder->coding == OKI ? recorder->written * 2 : recorder->written));
        at += 12;
    }
    memcpy(at, "data", 4);
    put32(at + 4, (uint32_t) recorder->written);
    return size;
}

static int write_all(int file, const unsigned char *bytes, size_t size)
{
    while (size) {
        ssize_t put = write(file, bytes, size);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return 0;
        bytes += put;
        size -= (size_t) put;
    }
    return 1;
}

/* A new file, or an old one made empty. Links and what is no file are refused. coding -1: by the name, else A-law. */
struct recorder *recorder_make(const char *name, int coding, size_t limit, const char **why)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    *why = "no memory";
    if (!recorder) return NULL;
    recorder->coding = coding >= 0 && coding < CODINGS ? (enum coding) coding : (enum coding) coding_of_name(name, ALAW);
    recorder->wav = ends_with(name, ".wav");
    if (recorder->wav && recorder->coding == GSM) recorder->coding = GSM_WAV;
    recorder->limit = limit;
    recorder->file = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
    struct stat found;
    *why = strerror(errno);
    if (recorder->file >= 0 && (fstat(recorder->file, &found) || !S_ISREG(found.st_mode))) {
        *why = "it is no file";
        close(recorder->file);
        recorder->file = -1;
    }
    if (recorder->file < 0 || ftruncate(recorder->file, 0)) {
        if (recorder->file >= 0) close(recorder->file);
        free(recorder);
        return NULL;
    }
    *why = NULL;
    unsigned char header[HEADER];
    if (recorder->wav) write_all(recorder->file, header, wav_header(recorder, header));
    if (recorder->coding == OKI) recorder->oki = oki_adpcm_init(NULL, 32000);
    if (recorder->coding == GSM || recorder->coding == GSM_WAV)
        recorder->gsm = gsm0610_init(NULL, recorder->coding == GSM ? GSM0610_PACKING_VOIP : GSM0610_PACKING_WAV49);
    return recorder;
}

static size_t encode(struct recorder *recorder, const int16_t *samples, unsigned char *bytes)
{
    switch (recorder->coding) {
    case LINEAR:
        for (int i = 0; i < TICK; i++) put16(bytes + 2 * i, (uint16_t) samples[i]);
        return 2 * TICK;
    case ULAW:
        for (int i = 0; i < TICK; i++) bytes[i] = linear_to_ulaw(samples[i]);
        return TICK;
    case OKI: return (size_t) oki_adpcm_encode(recorder->oki, bytes, samples, TICK);
    case GSM: return (size_t) gsm0610_encode(recorder->gsm, bytes, samples, TICK);
    case GSM_WAV:
        memcpy(recorder->held + recorder->held_count, samples, TICK * sizeof *samples);
        recorder->held_count += TICK;
        if (recorder->held_count < 2 * TICK) return 0;
        recorder->held_count = 0;
        return (size_t) gsm0610_encode(recorder->gsm, bytes, recorder->held, 2 * TICK);
    default:
        for (int i = 0; i < TICK; i++) bytes[i] = alaw_code[(uint16_t) samples[i]];
        return TICK;
    }
}

int recorder_write(struct recorder *recorder, const int16_t *samples)
{
    if (recorder->pending_size + 2 * TICK > sizeof recorder->pending) recorder_flush(recorder);
    size_t size = encode(recorder, samples, recorder->pending + recorder->pending_size);
    if (recorder->written + size > recorder->limit) size = recorder->limit - recorder->written;
    recorder->pending_size += size;
    recorder->written += size;
    return recorder->written < recorder->limit;
}

void recorder_limit(struct recorder *recorder, unsigned seconds)
{
    static const unsigned rates[CODINGS] = {[LINEAR] = 16000, [ALAW] = 8000, [ULAW] = 8000, [OKI] = 4000, [GSM] = 1650, [GSM_WAV] = 1625};
    size_t limit = (size_t) rates[recorder->coding] * seconds;
    if (seconds && seconds < 86400 * 7 && limit < recorder->limit) recorder->limit = limit;
}

void recorder_flush(struct recorder *recorder)
{
    if (!recorder->pending_size) return;
    if (!write_all(recorder->file, recorder->pending, recorder->pending_size)) recorder->limit = recorder->written; /* disk full: it ends */
    recorder->pending_size = 0;
    unsigned char header[HEADER];
    if (recorder->wav && pwrite(recorder->file, header, wav_header(recorder, header), 0) < 0) recorder->limit = recorder->written;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder) return;
    recorder_flush(recorder);
    close(recorder->file);
    if (recorder->oki) oki_adpcm_free(recorder->oki);
    if (recorder->gsm) gsm0610_free(recorder->gsm);
    free(recorder);
}
