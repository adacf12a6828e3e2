"""Numbers as a row of prompts, spoken properly in Chinese and English."""

from __future__ import annotations

LARGEST = 9999


def number_prompts(number: int, language: str) -> tuple[str, ...]:
    """Prompt tokens for ``0 ≤ number ≤ 9999`` (larger is said as 9999): ``n_0 … n_20 n_30 … n_90 n_100 n_1000``."""
    value = max(0, min(number, LARGEST))
    return _chinese(value) if language.startswith("zh") else _english(value)


def digit_prompts(digits: str, language: str) -> tuple[str, ...]:
    """A number read out digit by digit, as extensions are; in Chinese a one is said yāo."""
    one = "n_yao" if language.startswith("zh") else "n_1"
    return tuple(one if digit == "1" else f"n_{digit}" for digit in digits if digit in "0123456789")


def wait_prompts(seconds: float, language: str) -> tuple[str, ...]:
    """About how long a caller will wait: whole minutes, from ten on by fives; more than an hour is said as that."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return ("wait_short",)
    if minutes > 10:
        minutes = 5 * round(minutes / 5)
    if minutes > 60:
        return ("wait_long",)
    if language.startswith("zh"):
        number = ("n_liang",) if minutes == 2 else number_prompts(minutes, language)
        return ("wait_about", *number, "minutes")
    return ("wait_about", *number_prompts(minutes, language), "minute" if minutes == 1 else "minutes")


def _english(n: int) -> tuple[str, ...]:
    if n <= 20 or (n < 100 and n % 10 == 0):
        return (f"n_{n}",)
    if n < 100:
        return (f"n_{n - n % 10}", f"n_{n % 10}")
    unit = 1000 if n >= 1000 else 100
    rest = n % unit
    return (f"n_{n // unit}", f"n_{unit}", *(_english(rest) if rest else ()))


def _chinese(n: int) -> tuple[str, ...]:
    if n <= 20 or (n < 100 and n % 10 == 0):
        return (f"n_{n}",)
    if n < 100:
        return (f"n_{n - n % 10}", f"n_{n % 10}")
    unit = 1000 if n >= 1000 else 100
    rest = n % unit
    head = (f"n_{n // unit}", f"n_{unit}")
    if not rest:
        return head
    gap = ("n_0",) if rest < unit // 10 else ()
    return (*head, *gap, *_chinese_tail(rest))


def _chinese_tail(n: int) -> tuple[str, ...]:
    """After a hundred, ten is said 一十: 115 is 一百一十五."""
    if 10 <= n < 20:
        return ("n_1", "n_10", *((f"n_{n - 10}",) if n > 10 else ()))
    return _chinese(n)
