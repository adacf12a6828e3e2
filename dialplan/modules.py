"""The Asterisk modules we load, and the manager events we do not want to be sent. Data only."""

from __future__ import annotations

SIP = (
    "res_pjproject",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_http_websocket",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_acl",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_dlg_options",
    "res_pjsip_dtmf_info",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_header_funcs",
    "res_pjsip_logger",
    "res_pjsip_nat",
    "res_pjsip_notify",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration",
    "res_pjsip_path",
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "res_pjsip_transport_websocket",
    "chan_pjsip",
)
MEDIA = (
    "res_timing_timerfd",
    "res_rtp_asterisk",
    "res_srtp",
    "codec_a_mu",
    "codec_alaw",
    "codec_g722",
    "codec_resample",
    "codec_ulaw",
    "format_pcm",
    "format_sln",
    "format_wav",
    "bridge_builtin_features",
    "bridge_holding",
    "bridge_simple",
    "bridge_softmix",
    "res_musiconhold",
    "res_mutestream",
)
CONTROL = (
    "res_speech",
    "res_agi",
    "res_manager_devicestate",
    "app_chanspy",
    "app_confbridge",
    "app_controlplayback",
    "app_echo",
    "app_exec",
    "app_milliwatt",
    "app_mixmonitor",
    "app_playback",
    "app_senddtmf",
    "app_stack",
    "app_verbose",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_devstate",
    "func_global",
    "func_hangupcause",
    "func_logic",
    "func_math",
    "func_pjsip_aor",
    "func_pjsip_contact",
    "func_pjsip_endpoint",
    "func_strings",
    "func_talkdetect",
    "func_timeout",
    "func_uri",
    "pbx_config",
)
DAHDI = ("chan_dahdi",)
DIAL = ("app_dial",)
APP_QUEUE = ("app_queue",)

QUIET_EVENTS = (
    "VarSet",
    "Newexten",
    "TestEvent",
    "RTCPSent",
    "RTCPReceived",
    "AGIExecStart",
    "AGIExecEnd",
    "BridgeCreate",
    "BridgeDestroy",
    "BridgeInfoChannel",
    "BridgeInfoComplete",
    "DTMFBegin",
    "MusicOnHoldStart",
    "MusicOnHoldStop",
    "NewAccountCode",
    "NewConnectedLine",
    "NewCallerid",
    "Reload",
)


def modules(app_queue: bool = False, dial: bool = False, dahdi: bool = False) -> tuple[str, ...]:
    """In an order in which each finds what it needs. ``dial``: for phones that other switches of ours ring."""
    return (
        SIP
        + MEDIA
        + CONTROL
        + (DAHDI if dahdi else ())
        + (DIAL if dial or app_queue else ())
        + (APP_QUEUE if app_queue else ())
    )
