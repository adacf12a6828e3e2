/* Own declarations of the functions of Donjin's E1 boards (tce1_32.dll: SS1; Tc_isdn.dll: PRI) that a driver uses.
 *
 * As in donjin.h. An E1 (pcm) has 30 channels; a trunk is pcm * 30 + channel. States, steps and reasons:
 * DJISDN_GetChnState 1 free, 2 waits to be freed by us, 3 link down, 4 waits for the connect's acknowledgement, 5 connected,
 * 6 waits for release, 7 waits for its completion, 11 a call has come, 12 called, 21 alerting, 23 proceeding.
 * DJTrk_GetTrunkStatus 0 free, 1 seized, 2, 3 receiving, 4 received, 7 waits for the answer, 8 connected, 9 the caller has
 * gone, 10 the called has gone, 11 blocked, 13 disabled, 14 … 17 dialling, 18 failed, 19 being freed.
 */

int DJSys_EnableCard(const char *config, const char *prompts); /* 0 good */
void DJSys_DisableCard(void);
void DJSys_PushPlay(void);
int DJSys_GetPcmNum(void);
void DJSys_EnableAutoKB(void);                     /* SS1: calls are accepted without us; so it starts */
void DJSys_DisableAutoKB(void);
int DJTrk_GetTotalTrunkNum(void);

int DJISDN_InitSystem(void);                       /* 1 good */
void DJISDN_ExitSystem(void);
void DJISDN_GetEvent(void);                        /* every loop: states move on */
int DJISDN_GetChnState(int pcm, int channel);
int DJISDN_SetChnState(int pcm, int channel, int action, int cause); /* 1 free, 2 connect, 3 disconnect, 4 alerting; 1 good */
void DJISDN_GetCallerNumber(int pcm, int channel, char *number);
void DJISDN_GetCalleeNumber(int pcm, int channel, char *number);
int DJISDN_GetCalloutChn(int *pcm, int *channel);  /* 1: a free one was found */
int DJISDN_Callout(int pcm, int channel, const char *called, const char *called_sub, const char *caller, const char *caller_sub);
int DJISDN_GetCalloutResult(int pcm, int channel); /* 0 none yet, 1 it rings, 2 answered */
int DJISDN_GetDisconnectReason(int pcm, int channel); /* Q.850 */

int DJTrk_GetTrunkStatus(int trunk);
int DJTrk_CheckTrunkIn(int trunk);                 /* 1: a call has come in and was accepted */
int DJTrk_CheckTrunkFree(int trunk);
int DJTrk_CheckConnect(int trunk);
int DJTrk_CheckForwardHangUp(int trunk);           /* 1: the caller has gone */
int DJTrk_BackwardHangUp(int trunk);
int DJTrk_DisableTrunk(int trunk);
int DJTrk_EnableTrunk(int trunk);
int DJTrk_GetFreeTrunkIDForDial(int pcm);          /* -1 none; pcm -1: any */
int DJTrk_StartDial(int trunk, const char *number, const char *caller); /* 1 good */
int DJTrk_GetDialStatus(int trunk);                /* 0 none, 1 dialling, 2 busy, 3 rings, 4 connected, 5 line, 6 nobody has it, 7 too long */
int DJTrk_SetTrunkKB(int trunk, unsigned char answer); /* 16 free, 19 busy, 20 nobody has it; 1 good */
void DJTrk_GetMfcCodeA(int trunk, char *called);
void DJTrk_GetHostCodeA(int trunk, char *caller);
int DJTrk_InitDtmfBufNew(int trunk);
int DJTrk_GetReceiveDtmfNumNew(int trunk);
char DJTrk_GetDtmfCodeNew(int trunk);              /* 0 none */
int DJTrk_SendDtmfStr(int trunk, const char *digits); /* 0 good */
_Bool DJTrk_CheckDtmfSendEnd(int trunk);

int DJVoc_PlayFile(int trunk, const char *name);   /* 1 good; a call that waits is answered by it */
void DJVoc_StopPlayFile(int trunk);
int DJVoc_CheckVoiceEnd(int trunk);
int DJVoc_RecordFile(int trunk, const char *name, unsigned int bytes);
void DJVoc_StopRecordFile(int trunk);
int DJExg_SetLinkTrunkAndTrunk(int one, int other); /* 1 good; calls that wait are answered by it */
int DJExg_ClearLinkTrunkAndTrunk(int one);
