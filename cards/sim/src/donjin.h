/* Own declarations of the functions of a Donjin TC08A32 library (Tc08a32.dll, NewSig.dll) that the driver uses.
 *
 * Names, order of arguments and results are facts of that binary interface. On Windows they are stdcall, and `int` is
 * the vendor's 32-bit long and BOOL. Channels count from 0.
 */

/* start and stop */
int LoadDRV(void);                                         /* 0 good */
void FreeDRV(void);
unsigned short CheckValidCh(void);                         /* channels */
unsigned short CheckChType(unsigned short ch);             /* 0 extension, 1 trunk, 2 empty, 3 recorder */
int IsSupportCallerID(void);
int EnableCard(unsigned short used, unsigned short buffer); /* 0 good */
void DisableCard(void);
void SetPackRate(unsigned short rate);                     /* 0: 64 kbit/s A-law · 1: 32 kbit/s ADPCM */
int Sig_Init(int debug);                                   /* 0 good */

/* every loop */
void PUSH_PLAY(void);                                      /* files move on only while this is called */
void FeedSigFunc(void);                                    /* so do ringing and tones */

/* outside lines */
int RingDetect(unsigned short ch);                         /* 1 while it rings · extension: 1 when lifted */
int CheckPolarity(unsigned short ch);                      /* 1 reversed */
unsigned char D080D_GetVoltageValue(unsigned short ch);    /* of the line, in volts; 0 is a dead line */
void OffHook(unsigned short ch);
void HangUp(unsigned short ch);
void ResetCallerIDBuffer(unsigned short ch);
unsigned short GetCallerIDStr(unsigned short ch, char *text); /* 0 none, 1, 2 receiving, 3 good, 4 failed; MMDDHHMM and number */
int Sig_CheckBusy(unsigned short ch);                      /* not 0: busy tone was found */
void Sig_ResetCheck(unsigned short ch);
int Sig_StartDial(unsigned short ch, const char *number, const char *prefix, unsigned short mode); /* 0 failed */
int Sig_CheckDial(unsigned short ch);                      /* 0x0f … 0x17 */
int Sig_CheckDial_New(unsigned short ch, int *why);        /* why it is connected: 1 polarity, 2 voice, 3 end of ringback */
void StartSigCheck(unsigned short ch);
void StopSigCheck(unsigned short ch);

/* telephones */
void FeedRealRing(unsigned short ch);                      /* ring, with the cadence */
void FeedRing(unsigned short ch);                          /* ring without a pause */
void FeedPower(unsigned short ch);                         /* stop ringing */
int OffHookDetect(unsigned short ch);                      /* 1: lifted */
void StartHangUpDetect(unsigned short ch);
unsigned short HangUpDetect(unsigned short ch);            /* 0 no, 1 hung up, 2 perhaps, 3 flash */
void StartPlaySignal(unsigned short ch, unsigned short signal); /* 0 stop, 1 dial, 2 busy, 3 congestion, 4 ringback */

/* digits */
void InitDtmfBuf(unsigned short ch);
short GetDtmfCode(unsigned short ch);                      /* -1 none, 1…9, 10 = 0, 11 = *, 12 = #, 13…16 A…D */
int DtmfHit(unsigned short ch);
void SendDtmfBuf(unsigned short ch, const char *digits);
int CheckSendEnd(unsigned short ch);                       /* 1 when all is sent */

/* files */
int StartPlayFile(unsigned short ch, const char *name, unsigned int from); /* 1 good */
int CheckPlayEnd(unsigned short ch);                       /* 1 at the end */
void StopPlayFile(unsigned short ch);
int StartRecordFile(unsigned short ch, const char *name, unsigned int bytes); /* 1 good */
int CheckRecordEnd(unsigned short ch);
void StopRecordFile(unsigned short ch);
int CheckSilence(unsigned short ch, unsigned short units); /* 1: silent for so many 16 ms units */

/* who hears whom */
int SetLink(unsigned short one, unsigned short other);     /* both ways, 0 good, -1 … -5 */
int ClearLink(unsigned short one, unsigned short other);
int LinkOneToAnother(unsigned short one, unsigned short other); /* one hears the other */
int ClearOneFromAnother(unsigned short one, unsigned short other);
int DConf_EnableConfCard(void);                            /* 0 good */
void DConf_DisableConfCard(void);
int DConf_GetResNumber(void);                              /* free places in conferences */
int AddChnl(int group, int ch, int attenuation, int noise); /* 0 good; groups 1…10, 32 in each */
int SubChnl(int group, int ch);
int AddListenChnl(int group, int ch);
int SubListenChnl(int group, int ch);

/* recorders */
int DRec_OffHookDetect(unsigned short ch);                 /* 1: the watched telephone is lifted */
