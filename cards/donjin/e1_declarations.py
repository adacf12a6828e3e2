"""Own declarations of the functions of Donjin's E1 libraries (tce1_32.dll, Tc_isdn.dll) that are used.

Text for cffi; on Windows they are stdcall. It holds nothing else.
"""

DECLARATIONS = """
int DJSys_EnableCard(const char *config, const char *prompts);
void DJSys_DisableCard(void);
void DJSys_PushPlay(void);
void DJSys_DisableAutoKB(void);
int DJTrk_GetTotalTrunkNum(void);
int DJISDN_InitSystem(void);
void DJISDN_ExitSystem(void);
void DJISDN_GetEvent(void);
int DJISDN_GetChnState(int pcm, int channel);
int DJISDN_SetChnState(int pcm, int channel, int action, int cause);
void DJISDN_GetCallerNumber(int pcm, int channel, char *number);
void DJISDN_GetCalleeNumber(int pcm, int channel, char *number);
int DJISDN_Callout(int pcm, int channel, const char *called, const char *called_sub, const char *caller,
                   const char *caller_sub);
int DJISDN_GetDisconnectReason(int pcm, int channel);
int DJTrk_GetTrunkStatus(int trunk);
int DJTrk_BackwardHangUp(int trunk);
int DJTrk_StartDial(int trunk, const char *number, const char *caller);
int DJTrk_GetDialStatus(int trunk);
int DJTrk_SetTrunkKB(int trunk, unsigned char answer);
void DJTrk_GetMfcCodeA(int trunk, char *called);
void DJTrk_GetHostCodeA(int trunk, char *caller);
int DJTrk_InitDtmfBufNew(int trunk);
int DJTrk_GetReceiveDtmfNumNew(int trunk);
char DJTrk_GetDtmfCodeNew(int trunk);
int DJTrk_SendDtmfStr(int trunk, const char *digits);
int DJVoc_PlayFile(int trunk, const char *name);
void DJVoc_StopPlayFile(int trunk);
int DJVoc_CheckVoiceEnd(int trunk);
int DJVoc_RecordFile(int trunk, const char *name, unsigned int bytes);
void DJVoc_StopRecordFile(int trunk);
int DJExg_SetLinkTrunkAndTrunk(int one, int other);
int DJExg_ClearLinkTrunkAndTrunk(int one);
"""
