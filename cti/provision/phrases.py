"""What the machine says: prompt token → text, by language. Data only; Mandarin reads Chinese numbers, English words.

A phrase is a row of (voice, text): the menu tells an English caller in English which key to press.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Segment = tuple[str, str]
Phrase = tuple[Segment, ...]

LANGUAGES: Final = ("zh_CN", "en")

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "welcome": ("您好，欢迎致电。", "Hello, and thank you for calling."),
    "position_is": ("您现在排在第", "You are number"),
    "in_queue": ("位。", "in the queue."),
    "wait_short": ("预计等候时间不到一分钟。", "Your wait will be less than a minute."),
    "wait_about": ("预计等候时间约", "Your wait will be about"),
    "wait_long": ("预计等候时间超过一小时。", "Your wait will be more than an hour."),
    "minute": ("分钟。", "minute."),
    "minutes": ("分钟。", "minutes."),
    "n_liang": ("两", "two"),
    "please_wait": ("请稍候，正在为您转接。", "Please hold while we connect you."),
    "thank_you": ("感谢您的来电。", "Thank you for calling."),
    "no_agent": (
        "对不起，现在没有话务员值班，请稍后再拨。",
        "Sorry, nobody is here to take your call. Please call again later.",
    ),
    "invalid_key": ("对不起，您的按键有误。", "Sorry, that key is not in the menu."),
    "no_key": ("对不起，没有收到您的按键。", "Sorry, we did not receive a key."),
    "transfer_failed": ("对不起，转接没有成功。", "Sorry, the transfer did not succeed."),
    "agent_busy": ("话务员正忙，请继续等候。", "All our agents are busy. Please stay on the line."),
    "goodbye": ("再见。", "Goodbye."),
    "holiday": ("对不起，今天是节假日。", "Sorry, we are closed for the holiday."),
    "please_call_back": ("请在工作时间再拨。", "Please call again during our working hours."),
    "closed": ("对不起，现在不是工作时间。", "Sorry, we are closed at this time."),
    "work_number": ("工号", "Agent"),
    "n_yao": ("幺", "one"),
    "at_your_service": ("为您服务。", "at your service."),
    "press_one": ("您有一个客户来电，接听请按一。", "You have a call from a customer. To take it, press one."),
    "voicemail_greeting": (
        "您好，现在无法接听您的电话。请在提示音后留言，说完请按井号键。",
        "We cannot take your call now. Please leave a message after the tone, then press the hash key.",
    ),
    "voicemail_saved": (
        "您的留言已保存，感谢您的来电，再见。",
        "Your message is saved. Thank you for calling. Goodbye.",
    ),
    "callback_offer": (
        "如需保留您的位置并由我们回电，请按一。",
        "To keep your place and be called back, press one.",
    ),
    "callback_number": ("我们将拨打", "We will call"),
    "callback_confirm": (
        "确认请按一，使用其他号码请按二，继续等候请按星号键。",
        "To confirm, press one. For another number, press two. To stay on the line, press star.",
    ),
    "callback_enter": (
        "请输入您的电话号码，按井号键结束。",
        "Please enter your telephone number, then press the hash key.",
    ),
    "callback_saved": (
        "您的位置已保留，我们会尽快给您回电，再见。",
        "Your place is kept, and we will call you back as soon as we can. Goodbye.",
    ),
    "survey_question": (
        "请为本次服务评价。非常满意请按一，满意请按二，不满意请按三。",
        "How satisfied are you? Very satisfied, press one. Satisfied, press two. Not satisfied, press three.",
    ),
    "survey_thanks": ("感谢您的评价，再见。", "Thank you for your answer. Goodbye."),
    "demo_caller": (
        "您好，我想订购一件商品。请问什么时候可以送到？我的地址和上次一样，谢谢。",
        "Hello, I would like to order a product. When can you deliver it? My address has not changed. Thank you.",
    ),
}
_ZH_DIGITS: Final = "零一二三四五六七八九"
_EN_SMALL: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_EN_TENS: Final = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def phrases(language: str) -> dict[str, Phrase]:
    """Token → phrase for ``zh_CN`` or ``en``. Numbers: ``n_0``…``n_20``, ``n_30``…``n_90``, ``n_100``, ``n_1000``."""
    column = LANGUAGES.index(language)
    table: dict[str, Phrase] = {token: ((language, texts[column]),) for token, texts in _TEXTS.items()}
    table |= {f"n_{n}": ((language, word),) for n, word in _numbers(language).items()}
    return table | {"menu_main": _menu(language)}


def _menu(language: str) -> Phrase:
    if language == "zh_CN":
        return (("zh_CN", "订购商品请按一，客户服务请按二。"), ("en", "For English, press nine."))
    return (("en", "To place an order, press one. For customer service, press two. For English, press nine."),)


def _numbers(language: str) -> dict[int, str]:
    if language == "en":
        small = dict(enumerate(_EN_SMALL))
        tens = {30 + 10 * i: word for i, word in enumerate(_EN_TENS)}
        return small | tens | {100: "hundred", 1000: "thousand"}
    numbers = {n: _zh_below_hundred(n) for n in (*range(21), *range(30, 100, 10))}
    return numbers | {100: "百", 1000: "千"}


def _zh_below_hundred(number: int) -> str:
    tens, ones = divmod(number, 10)
    ten = ("" if tens < 2 else _ZH_DIGITS[tens]) + "十" if tens else ""
    return ten + (_ZH_DIGITS[ones] if ones or not tens else "")
