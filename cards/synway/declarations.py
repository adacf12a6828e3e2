"""Own declarations of the functions of the Synway SynCTI library (libshpa3.so, SHP_A3.dll) that are used.

Text for cffi; on Windows they are stdcall. It holds nothing else.
"""

DECLARATIONS = """
typedef struct { unsigned short code; int channel; unsigned int param; } ssm_event;
typedef struct {
    unsigned int mode; void *handler; unsigned int out_condition; unsigned int out_param; unsigned int user;
} ssm_event_mode;
int SsmStartCti(const char *config, const char *index);
int SsmCloseCti(void);
int SsmGetLastErrCode(void);
void SsmGetLastErrMsg(char *text);
int SsmGetMaxCh(void);
int SsmGetChType(int ch);
int SsmSetEvent(unsigned short code, int channel, int enable, ssm_event_mode *mode);
int SsmWaitForEvent(unsigned int timeout_ms, ssm_event *event);
int SsmGetChState(int ch);
int SsmPickup(int ch);
int SsmHangup(int ch);
int SsmAutoDial(int ch, const char *number);
int SsmChkAutoDial(int ch);
int SsmGetCallerIdEx(int ch, char *text);
int SsmGetPendingReason(int ch);
int SsmGetOverallEnergy(int ch);
int SsmClearBusyToneCount(int ch);
int SsmStartRing(int ch);
int SsmStopRing(int ch);
int SsmSendTone(int ch, int tone);
int SsmStopSendTone(int ch);
int SsmClearRxDtmfBuf(int ch);
int SsmTxDtmf(int ch, const char *digits);
int SsmPlayFile(int ch, const char *name, int format, unsigned int from, unsigned int bytes);
int SsmStopPlayFile(int ch);
int SsmRecToFile(int ch, const char *name, int format, unsigned int from, unsigned int bytes, unsigned int seconds,
                 int mask);
int SsmStopRecToFile(int ch);
int SsmTalkWith(int one, int other);
int SsmStopTalkWith(int one, int other);
int SsmListenTo(int one, int other);
int SsmStopListenTo(int one, int other);
int SsmCreateConfGroup(int members, int speakers, int speaking, int silence);
int SsmFreeConfGroup(int group);
int SsmJoinConfGroup(int group, int ch, unsigned short mode, int volume, int create, int leave);
int SsmExitConfGroup(int ch, int free);
"""
