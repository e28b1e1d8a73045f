"""`describe`: headers as banks write them in five languages, shortened, shouted and spaced; what is in them made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.experiments.prepare import prepare
from sim.population.describe import describe

ROWS = 300
ENOUGH = 0.8  # of the columns

# header: (what is in it, the field that it is, or nothing)
HEADERS: dict[str, str] = {
    "english, short": """
        Acct_No: id = id | CustAge: age = age | Relationship_Start_Dt: day = tenure_months | Avg_Bal_6M: money = aum |
        Tot_Dep: money = | Prod_Cnt: few = products | Annual_Inc: money = income | Mob_App_Flag: flag = digital_active |
        RM_ID: number = | Attrited_in_6m: flag = | Wallet_Share: share = share_of_wallet |
        Seg: gold silver platinum = tier
    """,
    "english, shouted": """
        CUSTOMER_KEY: id = id | BIRTH_DT: born = age | MOB: months = tenure_months | CURR_BAL_AMT: money = aum |
        SAV_BAL_AMT: money = | PRODUCT_HOLDING_CNT: few = products | DIGITAL_IND: Y N = digital_active |
        VALUE_BAND: A B C = tier | DORMANT_IND: Y N = state | MTHLY_SALARY: money = income | ETHNICITY: x y =
    """,
    "english, spaced": """
        member number: id = id | Age (years): age = age | Years with bank: years = tenure_months |
        Total deposits: money = aum | Mortgage: flag = | Number of accounts: few = products |
        Uses mobile app: Yes No = digital_active | Household income: money = income |
        Client tier: Core Preferred Private = tier | Left bank: Yes No = | Trust in bank (1-7): few = trust
    """,
    "chinese": """
        客户编号: id = id | 客户姓名: 张 王 = | 年龄: age = age | 开户年限: years = tenure_months |
        AUM余额: money = aum | 定期存款: money = | 持有产品数: few = products |
        近3个月登录次数: number = | 是否活跃客户: Y N = state |
        客户经理工号: number = | 满意度评分: few = satisfaction
    """,
    "chinese, of members": """
        会员ID: id = id | 性别: 男 女 = | 出生年月: born = age | 注册日期: day = tenure_months |
        总资产(万元): money = aum | 贷款余额: money = | 持有产品数量: few = products |
        APP活跃: 是 否 = digital_active | 客户分层: 大众客户 财富客户 私行客户 = tier |
        年收入: money = income | 风险等级: R1 R2 R3 =
    """,
    "spanish": """
        ID_CLIENTE: id = id | EDAD: age = age | ANTIGUEDAD_ANOS: years = tenure_months | SALDO_CUENTA: money = aum |
        NUM_PRODUCTOS: few = products | INGRESOS_ANUALES: money = income | PROVINCIA: A B = |
        ULTIMO_MOVIMIENTO: recent = | CLIENTE_ACTIVO: SI NO = state | BAJA: SI NO =
    """,
    "portuguese": """
        cod_cliente: id = id | sexo: M F = | dt_nasc: born = age | dt_abertura_conta: day = tenure_months |
        agencia: number = | saldo_medio_3m: money = aum | qtd_produtos: few = products | renda_mensal: money = income |
        segmento: Varejo Uniclass Personnalite = tier | usa_app: S N = digital_active | flag_churn: flag =
    """,
    "german": """
        Kd-Nr.: id = id | Geburtsjahr: year = age | Kundenbeziehung (Jahre): years = tenure_months |
        Gesamtvermögen: money = aum | Produktzahl: few = products | Nettoeinkommen: money = income |
        Segment: Privat Retail = tier | Online-Banking: j n = digital_active | Letzter Kontakt: recent = |
        Status: aktiv inaktiv = state
    """,
    "czech": """
        cislo_klienta: id = id | vek: age = age | klient od: day = tenure_months | zustatek_celkem: money = aum |
        pocet_produktu: few = products | mesicni_prijem: money = income | segment: retail affluent private = tier |
        aktivni: ano ne = state
    """,
}


def values(kind: str, luck: np.random.Generator) -> object:
    """Made-up values of a kind; of any other word one of its words."""
    whole = {"age": (18, 90), "few": (1, 8), "years": (0, 40), "months": (0, 300), "number": (1, 60), "flag": (0, 2)}
    days = {"born": ("1940-01-01", 23_000), "day": ("2000-01-01", 8_000), "recent": ("2022-01-01", 365)}
    if kind in whole:
        return luck.integers(*whole[kind], ROWS)
    if kind in days:
        first, span = days[kind]
        return (pd.Timestamp(first) + pd.to_timedelta(luck.integers(0, span, ROWS), "D")).strftime("%Y-%m-%d")
    if kind == "id":
        return luck.choice(10**6, ROWS, replace=False)
    if kind == "year":
        return luck.integers(1940, 2004, ROWS)
    if kind == "money":
        return np.round(np.exp(luck.normal(9, 1.2, ROWS)), 2)
    return luck.random(ROWS).round(3) if kind == "share" else luck.choice(kind.split(), ROWS)


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_other_banks_are_understood(name: str, tmp_path: Path) -> None:
    luck = np.random.default_rng(5)
    truth, columns = {}, {}
    for entry in HEADERS[name].split("|"):
        header, _, rest = entry.strip().partition(": ")
        kind, _, field = rest.partition("=")
        truth[header], columns[header] = field.strip(), values(kind.strip(), luck)
    pd.DataFrame(columns).to_csv(tmp_path / "bank.csv", index=False)
    found = describe([tmp_path / "bank.csv"])
    got = found.fields()
    wrong = [
        f"{header}: {got.get(header, '')!r} for {field!r}"
        for header, field in truth.items()
        if got.get(header, "") != field
    ]
    print(f"{name}: {len(truth) - len(wrong)} of {len(truth)} columns right; {wrong}")
    assert len(wrong) <= (1 - ENOUGH) * len(truth), wrong
    unknown = [left.column for left in found.proposal.left if left.kind == "unknown"]
    assert {left.column for left in found.proposal.left if left.doubts} >= set(unknown), "what is not known is asked"


def test_money_in_units_of_ten_thousand_is_scaled(tmp_path: Path) -> None:
    luck = np.random.default_rng(5)
    frame = pd.DataFrame({"客户号": values("id", luck), "总资产(万元)": values("money", luck)})
    frame.to_csv(tmp_path / "bank.csv", index=False)
    (aum,) = (one for one in describe([tmp_path / "bank.csv"]).proposal.fields if one.field == "aum")
    assert aum.spec == {"column": "总资产(万元)", "scale": 10_000}
    assert any("10,000" in doubt for doubt in aum.doubts)


def test_a_file_without_money_or_ids_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "bank.csv").write_text("age,city\n" + "".join(f"{20 + n % 50},x{n % 3}\n" for n in range(90)), "utf-8")
    found = describe([tmp_path / "bank.csv"])
    asks = " | ".join(found.proposal.asks)
    assert "id: no column tells the customers apart" in asks
    assert "aum: no column looks like money" in asks
    assert "# aum: COLUMN" in found.scenario(tmp_path / "bank.yaml")


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("{:,.2f}".format, "  decimal: point\n"),
        (lambda amount: f"{amount:,.2f}".translate(str.maketrans(",.", ".,")), "  decimal: comma\n"),
        (lambda amount: f"¥{amount / 1e4}万", "currency: CNY"),
        (lambda amount: f"{amount:.2f}", ""),
    ],
)
def test_amounts_as_they_are_written_are_proposed_so_that_they_are_read(
    tmp_path: Path, cell: Callable[[float], str], line: str
) -> None:
    amounts = [1_000.25 + 7_000 * n for n in range(40)] + [987_654.25]
    frame = pd.DataFrame({"customer_id": [f"c{n}" for n in range(41)], "balance": map(cell, amounts)})
    frame.to_csv(tmp_path / "bank.csv", index=False)
    text = describe([tmp_path / "bank.csv"]).scenario(tmp_path / "bank.yaml")
    assert line in text
    assert ("decimal:" in text) == ("decimal:" in line)
    (tmp_path / "bank.yaml").write_text(text, "utf-8")
    (one,) = prepare(tmp_path / "bank.yaml")
    assert one.book is not None
    assert one.book.aum.tolist() == pytest.approx(amounts, rel=1e-12)
    named = "currency" in line  # the amounts say what money they are
    assert [doubt.path for doubt in one.book.doubts] == ([] if named else ["population.currency_scale"])
