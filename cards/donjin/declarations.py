"""Own declarations of the functions of the Donjin TC08A32 libraries (Tc08a32.dll, NewSig.dll) that are used.

Text for cffi; on Windows they are stdcall. It holds nothing else.
"""

DECLARATIONS = """
int LoadDRV(void);
void FreeDRV(void);
unsigned short CheckValidCh(void);
unsigned short CheckChType(unsigned short ch);
int EnableCard(unsigned short used, unsigned short buffer);
void DisableCard(void);
void SetPackRate(unsigned short rate);
int Sig_Init(int debug);
void PUSH_PLAY(void);
void FeedSigFunc(void);
int RingDetect(unsigned short ch);
unsigned char D080D_GetVoltageValue(unsigned short ch);
void OffHook(unsigned short ch);
void HangUp(unsigned short ch);
void ResetCallerIDBuffer(unsigned short ch);
unsigned short GetCallerIDStr(unsigned short ch, char *text);
int Sig_CheckBusy(unsigned short ch);
void Sig_ResetCheck(unsigned short ch);
int Sig_StartDial(unsigned short ch, const char *number, const char *prefix, unsigned short mode);
int Sig_CheckDial(unsigned short ch);
void StartSigCheck(unsigned short ch);
void StopSigCheck(unsigned short ch);
void FeedRealRing(unsigned short ch);
void FeedPower(unsigned short ch);
void StartHangUpDetect(unsigned short ch);
unsigned short HangUpDetect(unsigned short ch);
int OffHookDetect(unsigned short ch);
void StartPlaySignal(unsigned short ch, unsigned short signal);
void InitDtmfBuf(unsigned short ch);
short GetDtmfCode(unsigned short ch);
void SendDtmfBuf(unsigned short ch, const char *digits);
int StartPlayFile(unsigned short ch, const char *name, unsigned int from);
int CheckPlayEnd(unsigned short ch);
void StopPlayFile(unsigned short ch);
int StartRecordFile(unsigned short ch, const char *name, unsigned int bytes);
void StopRecordFile(unsigned short ch);
int SetLink(unsigned short one, unsigned short other);
int ClearLink(unsigned short one, unsigned short other);
int LinkOneToAnother(unsigned short one, unsigned short other);
int ClearOneFromAnother(unsigned short one, unsigned short other);
int DConf_EnableConfCard(void);
void DConf_DisableConfCard(void);
int AddChnl(int group, int ch, int attenuation, int noise);
int SubChnl(int group, int ch);
int AddListenChnl(int group, int ch);
int SubListenChnl(int group, int ch);
"""
