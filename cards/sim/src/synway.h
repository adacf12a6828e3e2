/* Own declarations of the functions of the Synway SynCTI library (libshpa3.so, SHP_A3.dll) that the driver uses.
 *
 * Names, order of arguments and results are facts of that binary interface. 0 is good and -1 a failure whose reason
 * SsmGetLastErrCode tells, unless it says otherwise. Channels count from 0.
 */

typedef struct {
    unsigned short code;
    int channel;
    unsigned int param;
} ssm_event; /* 12 bytes */

typedef struct {
    unsigned int mode;          /* 1: by SsmWaitForEvent */
    void *handler;
    unsigned int out_condition;
    unsigned int out_param;
    unsigned int user;          /* 32 bits: an index, never an address */
} ssm_event_mode;

/* start and stop */
int SsmStartCti(const char *config, const char *index);
int SsmCloseCti(void);
int SsmGetLastErrCode(void);
void SsmGetLastErrMsg(char *text);                 /* at least 300 bytes */
const char *SsmGetLastErrMsgA(void);
int SsmGetMaxCh(void);
int SsmGetChType(int ch);                          /* 0 trunk, 2 extension, 3 recorder, 4 SS1, 7 ISDN user, 8 ISDN net, 20 none */

/* events */
int SsmSetEvent(unsigned short code, int channel, int enable, ssm_event_mode *mode);
int SsmWaitForEvent(unsigned int timeout_ms, ssm_event *event); /* 0: one came */
int SsmGetEvent(ssm_event *event);

/* calls */
int SsmGetChState(int ch);
int SsmSearchIdleCallOutCh(unsigned short mode, unsigned int precedence); /* the channel */
int SsmPickup(int ch);
int SsmHangup(int ch);
int SsmAutoDial(int ch, const char *number);
int SsmAppendPhoNum(int ch, const char *digits);
int SsmChkAutoDial(int ch);                        /* 0 none, 1 dialling, 2 ringback, 3 no dial tone, 4 busy, 6 nothing heard, 7 answered, 10 no answer, 11 failed */
int SsmSetTxCallerId(int ch, const char *number);    /* of digital calls that we make */
int SsmGetCallerId(int ch, char *number);
int SsmGetCallerIdEx(int ch, char *text);          /* MMDDHHMM and number */
int SsmGetPhoNumStr(int ch, char *number);         /* called number of a digital call; its length */
int SsmGetPendingReason(int ch);                   /* analog 0…5, 10: a digital call waits for SsmSetKB; SS1 11, 12, 20…29; ISDN 41…53 */
int SsmSetKB(int ch, unsigned char answer);        /* 1 free, 2, 3 busy, 4 congested, 5 nobody has it */
int SsmGetReleaseReason(int ch);                   /* Q.850 of the last digital call */

/* the line */
int SsmGetRingCount(int ch);
int SsmGetRingFlag(int ch);                        /* 1 while the ringing voltage is there */
int SsmGetPolarState(int ch);                      /* 1 reversed */
int SsmGetLineVoltage(int ch);                     /* volts; 0 is a dead line */
int SsmGetHookState(int ch);                       /* extension: 1 lifted */
int SsmGetOverallEnergy(int ch);                   /* of what comes in: mean of the squares over 20 ms, right shifted 8 */
int SsmGetBusyToneCount(int ch);
int SsmClearBusyToneCount(int ch);
int SsmGetFlashCount(int ch);
int SsmClearFlashCount(int ch);

/* telephones */
int SsmStartRing(int ch);
int SsmStartRingWithCIDStr(int ch, const char *text, unsigned int length, unsigned int when);
int SsmStopRing(int ch);
int SsmSendTone(int ch, int tone);                 /* 0 dial, 1 busy, 2 ringback, 3 congestion */
int SsmStopSendTone(int ch);

/* digits */
int SsmEnableRxDtmf(int ch, int on);
int SsmGetDtmfStr(int ch, char *digits);           /* their number */
int SsmGetRxDtmfLen(int ch);
int SsmClearRxDtmfBuf(int ch);
int SsmTxDtmf(int ch, const char *digits);
int SsmStopTxDtmf(int ch);

/* files; formats -1 by the file, 6 A-law, 7 mu-law, -2 linear 16 bit, 23 ADPCM (VOX), 49 GSM 6.10 */
int SsmPlayFile(int ch, const char *name, int format, unsigned int from, unsigned int bytes);
int SsmStopPlayFile(int ch);
int SsmRecToFile(int ch, const char *name, int format, unsigned int from, unsigned int bytes, unsigned int seconds, int mask);
int SsmStopRecToFile(int ch);
int SsmChkRecToFile(int ch);                       /* 0 none, 1 recording, above: ended */
int SsmSetRecMixer(int ch, int on, int volume);    /* what the channel says to its line is recorded too */
int SsmSetAutoAgc(int ch, int on);
int SsmSetEchoCancel(int ch, int on);

/* who hears whom */
int SsmTalkWith(int one, int other);
int SsmStopTalkWith(int one, int other);
int SsmListenTo(int one, int other);               /* the other hears the one; it may hear several */
int SsmStopListenTo(int one, int other);
int SsmCreateConfGroup(int members, int speakers, int speaking, int silence); /* its number */
int SsmFreeConfGroup(int group);
int SsmJoinConfGroup(int group, int ch, unsigned short mode, int volume, int create, int leave); /* mode 0 speaks and hears, 1 hears only */
int SsmExitConfGroup(int ch, int free);
