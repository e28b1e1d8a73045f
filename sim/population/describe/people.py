"""Which columns are shown to nobody by what is in them: people, where they live, how they are reached, free texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

LOOKED_AT: Final = 500  # of the different texts
SOME: Final = 0.02  # of them: from so many that are an e-mail or the like nothing of a column is shown
WORDS: Final = r"[^\W\d_]{2}|[\u3400-\u9fff]"
MOST: Final = 0.5  # of them, where the look is less certain
SHOWN: Final = ("tier", "state", "digital_active", "currency", "outcome", "gender", "product")  # their words are needed
# What never stands in a file by chance
CERTAIN: Final = (
    r"[^@\s]+@[^@\s]+\.\w+"  # e-mail
    r"|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}"  # IBAN
    r"|(?:\+|\b00)\d{1,3}[ ()/.-]*\d[\d ()/.-]{6,}"  # telephone, with a country
    r"|\b[1-9]\d{5}(?:19|20)\d{9}[\dXx]\b"  # Chinese identity card
)
NUMBERS: Final = r"1[3-9]\d{9}|0\d{2,4}[ /-]?\d[\d -]{5,}|\(\d{2,5}\) ?\d[\d -]{4,}|\d{3}-\d{2}-\d{4}|\d{3}-\d{3}-\d{4}"
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋"
    "唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆贾"
)
_NAME: Final = r"[A-ZÀ-Ž][a-zà-ž'\u2019.-]+"
PEOPLE: Final = (
    rf"(?:(?:Mr|Mrs|Ms|Dr|Herr|Frau)\.? )?{_NAME}"
    rf"(?:,? (?:[A-ZÀ-Ž]\.|(?:von|van|de|da|di|del|dos|zu) |{_NAME})){{1,3}}\d*"
    rf"|[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}"
)
PLACES: Final = (
    r"\d{1,5}[a-zA-Z]?,? .*[A-Za-zÀ-ž]{3,}.*|.*(?:[Ss]tra(?:ß|ss)e|[Ss]tr\.|gasse|weg|platz|allee) ?\d+.*"
    r"|(?:Calle|Rua|Avenida|Av\.|Via|Rue|Ul\.) .*|.*(?:路|街|巷|弄)\d*.*号?.*"
)


def hidden_by_looks(texts: pd.Series, kind: str, said: str) -> bool:
    """Whether texts may be those of people, of a column of that kind whose name says what it is.

    What may be a name is taken for one: more is hidden than has to be. Text with words that are free is always hidden.
    """
    few = texts.iloc[:: max(1, len(texts) // LOOKED_AT)].astype(str)
    if not len(few) or kind == "date":
        return False
    if few.str.contains(CERTAIN, regex=True).mean() >= SOME:
        return True
    if said != "id" and few.str.fullmatch(NUMBERS).mean() >= MOST:
        return True
    if not kind or said in SHOWN:
        return False
    free = kind == "text" and said != "id" and few.str.contains(WORDS, regex=True).mean() >= SOME
    return bool(free) or bool(few.str.fullmatch(f"{PEOPLE}|{PLACES}").mean() >= MOST)
