"""sipp scenarios as text: callers and phones. All media is described by files the caller of these functions made."""

from __future__ import annotations

from pathlib import Path

_SDP = """v=0
      o=- 1 1 IN IP4 127.0.0.1
      s=-
      c=IN IP4 127.0.0.1
      t=0 0
      m=audio {port} RTP/AVP 0 101
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
      a=ptime:20
      a=sendrecv"""


def _scenario(body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="callyard">\n{body}\n</scenario>\n'


def _sdp(tone: Path | None, pcap: Path | None = None) -> str:
    return _SDP.format(port="[rtpstream_audio_port]" if tone and not pcap else "[media_port]")


def _media(tone: Path | None, pcap: Path | None) -> str:
    if pcap:
        return f'<nop><action><exec play_pcap_audio="{pcap}"/></action></nop>'
    return f'<nop><action><exec rtp_stream="{tone},-1,0"/></action></nop>' if tone else ""


def caller(*, tone: Path | None = None, pcap: Path | None = None, talk_ms: int | None = None) -> str:
    """Calls ``[field1]`` as ``[field2]`` named ``[field3]``; hangs up ``talk_ms`` after the answer, or waits for BYE.

    ``tone``: raw ulaw file that loops. ``pcap``: the whole of what is sent, digits included (needs raw sockets).
    Rows are ``(anything, dialled, number, name)``.
    """
    invite = f"""
  <send retrans="500"><![CDATA[
      INVITE sip:[field1]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: "[field3]" <sip:[field2]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
      To: <sip:[field1]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:[field2]@[local_ip]:[local_port]>
      Max-Forwards: 70
      Content-Type: application/sdp
      Content-Length: [len]

      {_sdp(tone, pcap)}
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true" rtd="true"/>
  <send><![CDATA[
      ACK [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: "[field3]" <sip:[field2]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
      [last_To:]
      [routes]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0
  ]]></send>
  {_media(tone, pcap)}"""
    return _scenario(invite + _end_of_call(talk_ms, _CALLER_SIDES, "2"))


def phone(*, tone: Path | None = None, ring_ms: int = 0, talk_ms: tuple[int, int] | None = None) -> str:
    """A phone that rings ``ring_ms``, answers, talks for a random time between the two ``talk_ms`` and hangs up.

    Without ``talk_ms`` it waits for BYE. Answers OPTIONS.
    """
    ring = f'<pause milliseconds="{ring_ms}"/>' if ring_ms else ""
    return _scenario(f"""
  <recv request="OPTIONS" optional="true" next="options"/>
  <recv request="NOTIFY" optional="true" next="options"/>
  <recv request="INVITE" rrs="true">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="from"/>
      <ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="to"/>
    </action>
  </recv>
  <send><![CDATA[
      SIP/2.0 180 Ringing
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]p[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Length: 0
  ]]></send>
  {ring}
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]p[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Type: application/sdp
      Content-Length: [len]

      {_sdp(tone)}
  ]]></send>
  <recv request="ACK"/>
  {_media(tone, None)}
  {_end_of_call(talk_ms, _PHONE_SIDES, "1")}
  <nop next="finish"/>
  <Reference variables="from,to"/>
  <label id="options"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]o[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0
  ]]></send>
  <label id="finish"/>""")


def register(expires: int) -> str:
    """Registers ``[field0]`` with ``[field1]`` (``[authentication …]``) at the contact port of this sipp."""
    head = f"""
      REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:[field0]@[remote_ip]>;tag=[pid]r[call_number]
      To: <sip:[field0]@[remote_ip]>
      Call-ID: [call_id]
      CSeq: [cseq] REGISTER
      Contact: <sip:[field0]@[local_ip]:[local_port]>;expires={expires}
      Max-Forwards: 70
      Expires: {expires}"""
    return _scenario(f"""
  <send retrans="500"><![CDATA[{head}
      Content-Length: 0
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="401" auth="true"/>
  <send retrans="500"><![CDATA[{head}
      [field1]
      Content-Length: 0
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="200"/>""")


_CALLER_SIDES = """From: "[field3]" <sip:[field2]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
      [last_To:]"""
_PHONE_SIDES = """From:[$to];tag=[pid]p[call_number]
      To:[$from]"""


_OK_WITH_AUDIO = f"""
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Type: application/sdp
      Content-Length: [len]

      {_SDP.format(port="[media_port]")}
  ]]></send>"""


def _end_of_call(talk_ms: int | tuple[int, int] | None, sides: str, cseq: str) -> str:
    """Wait for BYE and answer it; with ``talk_ms``, hang up after that time (a pair: random, no BYE awaited)."""
    ok = """
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0
  ]]></send>"""
    if talk_ms is None:
        return f"""
  <label id="wait"/>
  <recv request="INVITE" optional="true" next="again"/>
  <recv request="BYE"/>
  {ok}
  <nop next="end"/>
  <label id="again"/>
  {_OK_WITH_AUDIO}
  <recv request="ACK"/>
  <nop next="wait"/>
  <label id="end"/>"""
    if isinstance(talk_ms, tuple):
        wait = f'<pause distribution="uniform" min="{talk_ms[0]}" max="{talk_ms[1]}"/>'
    else:
        wait = f'<recv request="BYE" timeout="{talk_ms}" ontimeout="hang"/>{ok}<nop next="end"/>'
    return f"""
  {wait}
  <label id="hang"/>
  <send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      {sides}
      [routes]
      Call-ID: [call_id]
      CSeq: {cseq} BYE
      Max-Forwards: 70
      Content-Length: 0
  ]]></send>
  <recv request="BYE" optional="true" next="crossed"/>
  <recv response="200"/>
  <nop next="end"/>
  <label id="crossed"/>
  {ok}
  <label id="end"/>"""
