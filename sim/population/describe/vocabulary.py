"""Words that banks put into the headers of their files, by what the column then is: a field of a book, or left alone.

A phrase is spelled as `tokens` splits a name: without case, accents or marks. It is found inside a name, Chinese and
compounds too; with = before it, it must be the whole name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sim.population.book.money import BY_SIGN


def _split(words: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in words.split(","))


# By field: phrases, each after | with how much less it says than the field's own name (1 if nothing is written).
FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "id": _split(
            """
            customer key, client key, member id, member number, member, =key|.7, 会员id, 会员号, 会员编号,
            user id, =nif, customer id, client id, customer number, client number, customer no, client no,
            cust id, clientnum, =customer, account id|.9, account number|.9, account no|.9, cif, =id|.8,
            household id|.8, =uid|.8, ncodpers, codigo cliente, cod cliente, id cliente, numero cliente,
            =cliente|.9, kundennummer, kundennr, kunden id, kunden nr, =kunde|.9, kontonummer|.8, cislo klienta,
            cislo zakaznika, =klient, 客户号, 客户编号, 客户代码, 客户id, 客户标识, 账号|.8
            """
        ),
        "aum": _split(
            """
            current balance amount, aum, assets under management, total assets, assets, balance,
            average balance, average monthly balance, avg balance, balance average, total balance,
            account balance, current balance|.9, deposits, deposit|.9, holdings|.8, portfolio value,
            net worth|.7, wealth|.7, saldo, saldo medio, saldo total, patrimonio|.8, activos, ativos,
            kontostand, guthaben, vermogen, saldo durchschnitt, durchschnittssaldo, zustatek, prumerny zustatek,
            stav uctu, 资产, 余额, 存款, 总资产, 月日均资产, 日均余额, 管理资产, 金融资产, credit limit|.45,
            total charges|.5, monthly charges|.45, amount|.4, 总金额|.6
            """
        ),
        "age": _split(
            """
            data nasc, date nascimento, nascimento|.9, nacimiento|.9, narozen|.9, age, customer age, edad,
            idade, alter, vek, lebensalter, 年龄, birth date, date of birth, dob, birthday, birth year,
            year of birth, yob, birth number, fecha nacimiento, data nascimento, data de nascimento,
            geburtsdatum, geburtstag, geburtsjahr, datum narozeni, rodne cislo, 出生日期, 出生年月, 生日,
            出生年份
            """
        ),
        "tenure_months": _split(
            """
            onboarding date, onboarded, 建档日期, =mob, years with bank, months with bank, years customer,
            registration date, registered, 注册日期, 注册时间, relationship start, klient od, zakaznik od,
            kundenbeziehung, geschaftsbeziehung, cliente desde, abertura conta, tenure, tenure months,
            months on book, months as customer, vintage, customer since, relationship length,
            relationship months, months since opening, account age|.9, antiguedad, antiguedade, tempo de casa,
            tempo relacionamento, open date, opening date, date opened, account open date, join date, joined,
            start date|.9, =since|.8, fecha alta, fecha apertura, data abertura, data de abertura, kunde seit,
            eroffnungsdatum, eroffnung, datum otevreni, datum zalozeni, 开户日期, 开户时间, 入行日期, 客户年限,
            客龄, 开户年限, 在行月数, 账龄, =opened, account opened, opened on, date open, kontobeginn, beginn|.8,
            =seit|.9, seit, 建户日期, 建户时间, 开户日, 建卡日期|.7
            """
        ),
        "products": _split(
            """
            number accounts, accounts held, product holding, product holding count, product count, produktzahl,
            produktanzahl, number product, quantidade produtos, products, number of products, num of products,
            product count, products number, n products, product holdings, total relationship count,
            relationship count, productos, numero productos, produtos, num produtos, anzahl produkte, produkte,
            produktanzahl, pocet produktu, produkty, 产品数, 产品数量, 持有产品数, 产品个数
            """
        ),
        "income": _split(
            """
            household income, net income, gross income, nettoeinkommen, income, annual income, yearly income,
            estimated salary, salary, wage, earnings, renta, ingresos, salario, rendimento, renda, einkommen,
            jahreseinkommen, gehalt, prijem, plat, 年收入, 收入, 薪资, 月收入|.8
            """
        ),
        "digital_active": _split(
            """
            app活跃, mobile active, online active, web active, internet active, ebanking active, mobile flag,
            手机活跃, 线上活跃, digital indicator, digital ind, mobile app, app flag, mob app, mob app flag, app login,
            digital active, app user, uses app, mobile user, online banking, internet banking, mobile banking,
            digital user, app active, ebanking, digital, =app, is digital, banca online, banca movil, usa app,
            app nutzer, onlinebanking, 手机银行, 网银, 是否手机银行, 电子银行
            """
        ),
        "digital_affinity": _split(
            """
            digital affinity, digital share, online share, digital score, mobile share, share of logins,
            电子渠道占比, 线上占比
            """
        ),
        "satisfaction": _split("satisfaction, satisfaction score, csat, satisfaccion, zufriedenheit, 满意度"),
        "trust": _split("trust, trust score, confianza, vertrauen, duvera, 信任度"),
        "expectation": _split("expectation, expectations, expected quality, erwartung, 期望"),
        "state": _split(
            """
            active, is active, is active member, active member, activity, status, account status,
            customer status, =state|.6, active customer, ind actividad cliente, actividad cliente, activo,
            ativo, aktiv, aktivni, kundenstatus, dormant, is dormant, inactive, inaktiv, 是否活跃, 活跃,
            客户状态, 账户状态, 是否休眠
            """
        ),
        "tier": _split(
            """
            贵宾标识, value band, value segment, client tier, client segment, 客户分层, =segment, vip level,
            customer level, banda, tier, segment, customer segment, customer tier, customer class, nw category,
            customer nw category, net worth category, wealth class, customer grade, segmento, segmentacion,
            kundensegment, kundenklasse, segment klienta, 客户等级, 客户级别, 客户层级, 贵宾等级, 分层,
            card category|.5
            """
        ),
        "share_of_wallet": _split("share of wallet, wallet share, sow, cuota cartera, 钱包份额, 钱包占比"),
    }
)

# What is left alone, why, and the words for it.
ALONE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "row": (
            "numbers the rows",
            _split("row number, rownumber, =row, =index, 序号, unnamed: 0, unnamed 0"),
        ),
        "person": (
            "personal data, which no part of the model needs",
            _split(
                """
                postal code, postal cd, ethnicity, surname, last name, first name, =name, full name, phone,
                phone number, telephone number, =mobile, mobile number, email, e mail, address, street, zip,
                zip code, postcode, ssn, passport, id card, id number, nombre, apellido, apellidos, telefono,
                correo, nome, sobrenome, cpf, nachname, vorname, strasse, anschrift, plz, jmeno, prijmeni, 姓名,
                名字, 手机号, 手机号码, 电话, 联系电话, 身份证, 身份证号, 证件号, 邮箱, 地址
                """
            ),
        ),
        "gender": (
            "personal data, which no part of the model needs",
            _split("gender, sex, sexo, geschlecht, pohlavi, genero, 性别, =race, religion, nationality"),
        ),
        "outcome": (
            "what happened to the customer afterwards, no state to begin in",
            _split(
                """
                cliente perdido, perdido, 已流失, left bank, has left, is left, attrited, churn, churned,
                exited, attrition, attrition flag, =left, closed, is churn, churn flag, churn label, =target,
                =label|.8, subscribed, =y|.9, =response|.8, =outcome|.8, baja, abandono, fuga, evasao,
                kundigung, gekundigt, abwanderung, odesel, 是否流失, 流失, 流失标志, 销户, 是否销户,
                churn next quarter, churn reason, churn score, cancelled
                """
            ),
        ),
        "future": (
            "known only afterwards: it would tell the future",
            _split(
                """
                duration, call duration, last contact duration, 通话时长, poutcome, previous outcome,
                closing date, close date, closed date, exit date, churn date, end date, 销户日期, fecha baja,
                ult fec cli 1t
                """
            ),
        ),
        "model": (
            "somebody's prediction, made knowing the outcome",
            _split(
                """
                naive bayes, naive bayes classifier, predicted, prediction, probability|.8, propensity|.8
                """
            ),
        ),
        "place": (
            "where the customer is; the model has no map",
            _split(
                """
                oficina, geography, country, city, region, state name, province, branch, branch code, district,
                district id, pais, pais residencia, provincia, nomprov, cod prov, indext, indresi, tipodom,
                canal entrada|.9, =ort, stadt, =land, filiale, mesto, kraj, pobocka, 城市, 地区, 省份, 分行,
                支行, 网点, 开户行, 机构, 所属机构, agencia, cidade, estado|.9, sucursal
                """
            ),
        ),
        "household": (
            "the model's customers have no family and no occupation",
            _split(
                """
                dependents, dependent count, partner, marital, marital status, education, education level,
                occupation, =job, senior citizen, spouse, conyuemp, estado civil, beruf, familienstand,
                povolani, rodinny stav, 婚姻状况, 学历, 职业, profissao, ind empleado, indfall, household,
                deceased, income category
                """
            ),
        ),
        "credit": (
            "credit risk, which the model leaves to others",
            _split(
                """
                credit score, =score|.6, rating|.8, credit limit|.5, default, scoring, schufa, bonitat,
                =limit|.8, total revolving bal, revolving balance, avg open to buy, open to buy,
                avg utilization ratio, utilization ratio, utilization, 信用评分, 信用分, 授信额度, 信用额度
                """
            ),
        ),
        "product": (
            "one product; the model counts products and does not tell them apart",
            _split(
                """
                has cr card, has credit card, credit card, has card, loan, housing, housing loan, mortgage,
                personal loan, phone service, multiple lines, internet service, online security, online backup,
                device protection, active cards, active card, active products, active product, active loans,
                active accounts, active policies, tech support,
                streaming tv, streaming movies, contract, paperless billing,
                payment method, tarjeta, hypothek, kreditkarte, karta, 是否有信用卡, 信用卡, 贷款, 理财,
                card category|.6, card type, kontotyp, account type, girokonto, depot, ind cco, fin ult1
                """
            ),
        ),
        "debt": (
            "what the customer owes, which is none of what one holds",
            _split(
                """
                loan balance, loan amount, loans balance, mortgage balance, mortgage amount, overdraft, debt, debts,
                credit balance|.6, card balance, kreditsaldo, kreditbetrag, darlehen, saldo prestamo, deuda,
                saldo emprestimo, divida, uver, zustatek uveru, 贷款余额, 负债, 欠款
                """
            ),
        ),
        "currency": (
            "says what money the amounts are in",
            _split("=currency, =ccy, currency code, =curr, =cur, waehrung, wahrung, 币种, 货币, moneda, moeda, mena"),
        ),
        "flow": (
            "what the customer does in a time; the model makes its own",
            _split(
                """
                =credit|.7, debit, current month credit, previous month credit, current month debit,
                previous month debit, total trans amt, total trans ct, trans amt, trans ct, total ct chng q4 q1,
                total amt chng q4 q1, chng, change, spend, transactions, number of transactions, turnover,
                交易笔数, 交易金额, 月交易, umsatz, umsatze, obrat, transacciones, transacoes, logins, 登录次数
                """
            ),
        ),
        "recency": (
            "how long ago something was; the model makes its own activity",
            _split(
                """
                letzter kontakt, ultimo movimiento, last seen, months inactive, months inactive 12 mon,
                days since last, last transaction, last activity, last login, last contact, recency, pdays,
                最近交易日期, 最后交易日期, 最近登录, letzte buchung, letzter umsatz, ultima operacion,
                ultima transacao, posledni transakce, =day|.9, =month|.7, day of week
                """
            ),
        ),
        "contact": (
            "contacts that the bank made; the model makes its own",
            _split(
                """
                contacts count, contacts count 12 mon, contacts, =contact, =campaign, =previous, =calls|.8,
                =visits|.8, contatos, contactos, kontakte, 联系次数, 拜访次数, emails sent, complaints,
                complain, 投诉次数
                """
            ),
        ),
        "indicator": (
            "of the whole economy, the same for everybody of a month",
            _split(
                """
                emp var rate, cons price idx, cons conf idx, euribor3m, euribor, nr employed, gdp
                """
            ),
        ),
        "customer_class": (
            "how the bank files the customer; no field of a book",
            _split(
                """
                indrel, indrel 1mes, tiprel 1mes, ind nuevo, frequency, point earned, satisfaction index|.2, 客户经理,
                =manager, betreuer, berater,
                gestor, poradce
                """
            ),
        ),
    }
)

# Units that a header of money speaks of, the first that is found, and the letters that say so before a currency.
_MONEY: Final = "€|£|\\$|¥|eur|usd|gbp|chf|cny|rmb|czk|pln|huf|jpy|brl|mxn|inr|sek|nok|dkk|kc\\b"
LARGE_UNITS: Final = tuple(
    (re.compile(pattern), size)
    for pattern, size in (
        ("百万元?", 1e6),
        ("亿元?", 1e8),
        ("万元?", 1e4),
        ("千元", 1e3),
        (r"\bbillions?\b|\bmrd\b|\bbn\b", 1e9),
        (rf"millions?\b|\bmio\b|\bmln\b|\bmn\b|\bmillones|\bmilh[oõ]es|(?<![a-z])m ?(?:{_MONEY})|\(m\)", 1e6),
        (
            rf"thousands?\b|\btsd\b|\btis\b|\bmiles\b|\bmilhares|(?<![a-z])[tk] ?(?:{_MONEY})|\([tk]\)"
            rf"|(?:{_MONEY}) ?k\b|(?<![\d])['\u2019\u00b4]?000s?\b",
            1e3,
        ),
    )
)
# What stands for money of which customers have parts, and what says that it is all of it.
PARTS: Final = _split(
    """
    savings, saving, current, checking, cheque, term, fixed, time, sight, deposit, deposits, fund, funds, securities,
    depot, custody, investment, investments, pension, wealth product, spareinlagen, spar, giro, tagesgeld, festgeld,
    einlagen, ahorro, corriente, plazo, fondos, poupanca, corrente, sporici, bezny, 活期, 定期, 理财, 基金, 存款, 证券
    """
)
WHOLE: Final = _split(
    "total, aum, sum, all, assets, wealth, gesamt, vermogen, summe, patrimonio, celkem, 总, "
    "合计, 资产, average, avg, 日均"
)
DEBTS: Final = _split(
    """
    loan, loans, mortgage, credit, lending, debt, overdraft, kredit, darlehen, hypothek, prestamo, hipoteca, emprestimo,
    uver, hypoteka, 贷款, 信用卡, 透支, 按揭
    """
)
ACCOUNTS: Final = _split("account, konto, cuenta, conta, ucet, ucty, iban, 账号, 账户, 帐号")
SHUT: Final = _split("closed, geschlossen, cerrada, encerrada, zruseny, 销户, 注销")
PEOPLE: Final = _split(
    "betreuer, berater, relationship manager, account manager, advisor, adviser, contact person, "
    "ansprechpartner, iban, gestor, poradce, 客户经理, 联系人, 户名"
)
BORN: Final = _split("birth, born, dob, yob, geburt, nacimiento, nascimento, narozeni, 出生")
MONTHLY: Final = _split(
    """
    fecha dato, month, period, snapshot date, as of, as of date, report date, data date, reference date,
    stichtag, monat, mes, mesic, 数据日期, 月份, 统计月份, 日期, 账期
    """
)
DATED: Final = _split(
    """
    date, fecha, data, datum, day, since, birth, issued, opened, joined, 日期, 时间, 生日, 出生, geburts, seit,
    geb, dob, rodne cislo, beginn, 建户, narozeni, month, mes, monat
    """
)
LAST: Final = _split("last, ultima, ultimo, letzte, letzter, posledni, 最近, 最后, snapshot, as of")
YEARS: Final = _split("years, year, yrs, jahre, anos, let, roky, 年限, 年数")
DAYS: Final = _split("days, tage, dias, dny, 天数, 天")
MONTHS_SAID: Final = _split("months, month, monate, meses, mesice, mesicu, 月数, 月")
AVERAGED: Final = _split("average, avg, mean, medio, media, durchschnitt, prumer, prumerny, 日均, 平均")

SPOKEN: Final = 0.7  # a likeness from which a name is taken at its word

# Words as headers shorten them.
SHORT: Final[Mapping[str, str]] = MappingProxyType(
    {
        short: word
        for word, shorts in (
            ("account", "acct, acc, acnt"),
            ("amount", "amt"),
            ("average", "avg, ave, mean"),
            ("balance", "bal"),
            ("count", "cnt, ct"),
            ("current", "curr, cur"),
            ("customer", "cust, cst"),
            ("data", "dta"),
            ("date", "dt"),
            ("income", "inc"),
            ("kunden", "kd, kde"),
            ("monthly", "mthly, mnthly"),
            ("nascimento", "nasc"),
            ("nacimiento", "nac"),
            ("number", "no, nr, num, nbr, nro, qtd, qty, anz, anzahl, pocet"),
            ("product", "prod"),
            ("products", "prods, prds"),
            ("relationship", "rel, rlt"),
            ("segment", "seg"),
            ("total", "tot, ttl"),
        )
        for short in _split(shorts)
    }
)

_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[\u3400-\u9fff]+|[^\W\d_]+")
_CJK: Final = re.compile(r"[\u3400-\u9fff]")


@lru_cache(maxsize=10_000)
def tokens(name: str) -> tuple[str, ...]:
    """A header's words: CustomerId, cust_id and "Customer ID" are all customer, id; accents are taken off."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    parts = [part.casefold() for part in _PART.findall(plain.replace("ß", "ss"))]
    return tuple(SHORT.get(part, part) for part in parts)


def says(name: str, phrases: Sequence[str]) -> bool:
    """Whether a name speaks of one of these."""
    own = tokens(name)
    joined = "".join(own)
    return any(
        (bool(_CJK.search(phrase)) and phrase in joined)
        or set(tokens(phrase)) <= set(own)
        or (len(phrase) >= 5 and phrase.replace(" ", "") in joined)
        for phrase in phrases
    )


@dataclass(frozen=True)
class Named:
    """How far a name is that of a field or of something left alone: 0 to 1, and by which phrase."""

    what: str
    score: float
    phrase: str


@lru_cache(maxsize=10_000)
def named(name: str) -> Mapping[str, Named]:
    """Every field and kind left alone that a header may be named after; what is not in it has nothing in common."""
    found: dict[str, Named] = {}
    for what, phrases in (*FIELDS.items(), *((key, words) for key, (_, words) in ALONE.items())):
        best = max((Named(what, *_likeness(name, phrase)) for phrase in phrases), key=lambda one: one.score)
        if best.score > 0:
            found[what] = best
    return MappingProxyType(found)


def _likeness(name: str, phrase: str) -> tuple[float, str]:
    phrase, _, weight = phrase.partition("|")
    worth, whole, phrase = float(weight or 1), phrase.startswith("="), phrase.removeprefix("=")
    own, wanted = tokens(name), tokens(phrase)
    joined, sought = "".join(own), "".join(wanted)
    if not own or not wanted:
        return 0.0, phrase
    covered = len(sought) / len(joined)
    if joined == sought:
        return worth, phrase
    if whole:
        return 0.0, phrase
    run = any(own[i : i + len(wanted)] == wanted for i in range(len(own)))
    if run:
        return worth * (0.55 + 0.4 * covered), phrase
    if set(wanted) <= set(own):
        return worth * (0.5 + 0.35 * covered), phrase
    least = 2 if _CJK.search(sought) else 5
    if len(sought) >= least and sought in joined:
        return worth * (0.5 + 0.4 * covered), phrase
    return 0.0, phrase


def large_unit(name: str) -> tuple[str, float] | None:
    """(as it is written, how much it is) of the unit that a header of money counts in; None for single ones."""
    plain = unicodedata.normalize("NFC", name).casefold()
    for pattern, size in LARGE_UNITS:
        if found := pattern.search(plain):
            return found[0].strip("()"), size
    return None


def currency_in(name: str) -> str:
    """The currency that a header speaks of: Balance (EUR), TEUR, 金融资产(万元); empty if none."""
    found = {
        BY_SIGN[part]
        for part in re.findall(r"[^\W\d_]+|[^\w\s()]", name.casefold())
        for part in (part, part[1:], part[-1:] if _CJK.match(part) else part)
        if part in BY_SIGN and (len(part) == 3 or not part.isascii() or part in "$")
    }
    return found.pop() if len(found) == 1 else ""


def left_over(name: str, phrase: str, allowed: Sequence[str]) -> str:
    """What is left of a header without a phrase and these words."""
    rest = "".join(tokens(name))
    for word in (*tokens(phrase), *sorted(allowed, key=len, reverse=True)):
        rest = rest.replace(word, "", 1)
    return rest.strip("0123456789")


def personal(name: str) -> bool:
    """Whether a header speaks of who a customer is or where one lives, which nobody needs to see."""
    found = named(name)
    if says(name, PEOPLE):
        return True
    best = max(found.values(), key=lambda one: one.score, default=None)
    return best is not None and best.what == "person" and best.score >= SPOKEN
