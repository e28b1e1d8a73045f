"""Files as banks have them, made up in their shape: a header, plausible values, a seed; no row of anybody's.

A `Layout` writes its files into a folder and says the truth of each column: the field that it is, or "" for a column
that is not to be read. `doubtful` are columns of which something must be said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 600
FIRST = 11  # seed of all


@dataclass(frozen=True)
class Layout:
    """One layout: writes its files, first the one that holds the customers, and knows the truth of every column."""

    name: str
    write: Callable[[Path], list[Path]]
    truth: Mapping[str, str]
    doubtful: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    scaled: Mapping[str, float] = field(default_factory=dict)  # field: scale of its column


def _luck(offset: int) -> np.random.Generator:
    return np.random.default_rng(FIRST + offset)


def _pick(luck: np.random.Generator, words: list[str], rows: int, p: list[float] | None = None) -> np.ndarray:
    return luck.choice(np.array(words, dtype=object), rows, p=p)


def _money(luck: np.random.Generator, rows: int, median: float = 8_000, sigma: float = 1.4) -> np.ndarray:
    return np.round(np.exp(luck.normal(np.log(median), sigma, rows)), 2)


def retail_churn(folder: Path, rows: int = ROWS) -> list[Path]:
    """A retail bank's churn table."""
    luck = _luck(1)
    frame = pd.DataFrame(
        {
            "RowNumber": np.arange(1, rows + 1),
            "CustomerId": luck.permutation(np.arange(15_600_000, 15_600_000 + 3 * rows))[:rows],
            "Surname": [f"Name{n}" for n in luck.integers(0, rows // 2, rows)],
            "CreditScore": luck.integers(350, 851, rows),
            "Geography": _pick(luck, ["France", "Spain", "Germany"], rows),
            "Gender": _pick(luck, ["Female", "Male"], rows),
            "Age": np.clip(luck.normal(39, 11, rows).astype(int), 18, 92),
            "Tenure": luck.integers(0, 11, rows),
            "Balance": np.where(luck.random(rows) < 0.3, 0.0, _money(luck, rows, 90_000, 0.5)),
            "NumOfProducts": luck.integers(1, 5, rows),
            "HasCrCard": luck.integers(0, 2, rows),
            "IsActiveMember": luck.integers(0, 2, rows),
            "EstimatedSalary": np.round(luck.uniform(12, 200_000, rows), 2),
            "Exited": (luck.random(rows) < 0.2).astype(int),
        }
    )
    frame.to_csv(folder / "retail.csv", index=False)
    return [folder / "retail.csv"]


def card_customers(folder: Path, rows: int = ROWS) -> list[Path]:
    """Card customers: months on book, inactive months, contacts; two columns of somebody's model."""
    luck = _luck(2)
    limit = np.round(np.clip(_money(luck, rows, 5_000, 0.9), 1_400, 34_516), 0)
    revolving = np.minimum(luck.integers(0, 2_517, rows), limit)
    left = luck.random(rows) < 0.16
    frame = pd.DataFrame(
        {
            "CLIENTNUM": luck.permutation(np.arange(700_000_000, 700_000_000 + 5 * rows))[:rows],
            "Attrition_Flag": np.where(left, "Attrited Customer", "Existing Customer"),
            "Customer_Age": np.clip(luck.normal(46, 8, rows).astype(int), 26, 73),
            "Gender": _pick(luck, ["F", "M"], rows),
            "Dependent_count": luck.integers(0, 6, rows),
            "Education_Level": _pick(luck, ["Graduate", "High School", "Unknown", "College"], rows),
            "Marital_Status": _pick(luck, ["Married", "Single", "Unknown", "Divorced"], rows),
            "Income_Category": _pick(luck, ["Less than $40K", "$40K - $60K", "$60K - $80K", "Unknown"], rows),
            "Card_Category": _pick(luck, ["Blue", "Silver", "Gold", "Platinum"], rows, [0.9, 0.06, 0.03, 0.01]),
            "Months_on_book": np.clip(luck.normal(36, 8, rows).astype(int), 13, 56),
            "Total_Relationship_Count": luck.integers(1, 7, rows),
            "Months_Inactive_12_mon": luck.integers(0, 7, rows),
            "Contacts_Count_12_mon": luck.integers(0, 7, rows),
            "Credit_Limit": limit,
            "Total_Revolving_Bal": revolving,
            "Avg_Open_To_Buy": limit - revolving,
            "Total_Amt_Chng_Q4_Q1": np.round(luck.gamma(12, 0.06, rows), 3),
            "Total_Trans_Amt": luck.integers(500, 18_000, rows),
            "Total_Trans_Ct": luck.integers(10, 139, rows),
            "Total_Ct_Chng_Q4_Q1": np.round(luck.gamma(12, 0.06, rows), 3),
            "Avg_Utilization_Ratio": np.round(revolving / limit, 3),
            "Naive_Bayes_Classifier_Attrition_Flag_mon_1": np.round(luck.random(rows) * 1e-4, 8),
            "Naive_Bayes_Classifier_Attrition_Flag_mon_2": np.round(1 - luck.random(rows) * 1e-4, 8),
        }
    )
    frame.to_csv(folder / "cards.csv", index=False)
    return [folder / "cards.csv"]


FLAGS = [
    "ahor_fin",
    "aval_fin",
    "cco_fin",
    "cder_fin",
    "cno_fin",
    "ctju_fin",
    "ctma_fin",
    "ctop_fin",
    "ctpp_fin",
    "deco_fin",
    "deme_fin",
    "dela_fin",
    "ecue_fin",
    "fond_fin",
    "hip_fin",
    "plan_fin",
    "pres_fin",
    "reca_fin",
    "tjcr_fin",
    "valo_fin",
    "viv_fin",
    "nomina",
    "nom_pens",
    "recibo",
]


def holdings(folder: Path, customers: int = 250, months: int = 4) -> list[Path]:
    """Product holdings by month: 24 flags, a row a customer and month, codes for unknown."""
    luck = _luck(3)
    age = luck.integers(20, 80, customers)
    since = luck.integers(0, 240, customers)
    tables = []
    unknown = luck.random(customers) < 0.03
    flags = luck.random((customers, len(FLAGS))) < 0.08
    flags[:, 2] = True
    renta = _money(luck, customers, 100_000, 0.5)
    segment = _pick(luck, ["01 - TOP", "02 - PARTICULARES", "03 - UNIVERSITARIO"], customers, [0.1, 0.6, 0.3])
    for month in range(months):
        table = pd.DataFrame(
            {
                "fecha_dato": f"2015-{month + 1:02d}-28",
                "ncodpers": np.arange(customers) * 7 + 1_050_000,
                "ind_empleado": "N",
                "pais_residencia": "ES",
                "sexo": np.where(age % 2, "H", "V"),
                "age": np.where(unknown, " NA", [f"{a:3d}" for a in age]),
                "fecha_alta": [f"{2014 - s // 12}-{12 - s % 12:02d}-{1 + s * 7 % 28:02d}" for s in since],
                "ind_nuevo": 0,
                "antiguedad": np.where(unknown, "-999999", [f"{s + month:7d}" for s in since]),
                "indrel": 1,
                "tiprel_1mes": _pick(luck, ["A", "I"], customers),
                "canal_entrada": _pick(luck, ["KHE", "KAT", "KFC"], customers),
                "nomprov": _pick(luck, ["MADRID", "BARCELONA", "SEVILLA"], customers),
                "ind_actividad_cliente": luck.integers(0, 2, customers),
                "renta": renta,
                "segmento": segment,
            }
        )
        for place, flag in enumerate(FLAGS):
            table[f"ind_{flag}_ult1"] = flags[:, place].astype(int)
        flags = flags ^ (luck.random(flags.shape) < 0.01)
        flags[:, 2] = True
        tables.append(table)
    frame = pd.concat(tables).sort_values(["fecha_dato", "ncodpers"])
    frame.to_csv(folder / "holdings.csv", index=False)
    return [folder / "holdings.csv"]


def berka(folder: Path, accounts: int = 300) -> list[Path]:
    """Accounts, clients, who owns what, cards, loans and transactions, to be joined."""
    luck = _luck(4)
    ids = np.arange(1, accounts + 1)

    def days(low: str, high: str, size: int) -> pd.DatetimeIndex:
        ends = pd.Timestamp(low), pd.Timestamp(high)
        return ends[0] + pd.to_timedelta(luck.integers(0, (ends[1] - ends[0]).days, size), "D")

    opened = days("1990-01-01", "1993-06-30", accounts)
    tables: dict[str, pd.DataFrame] = {
        "account": pd.DataFrame(
            {
                "account_id": ids,
                "district_id": luck.integers(1, 78, accounts),
                "frequency": _pick(luck, ["POPLATEK MESICNE", "POPLATEK TYDNE"], accounts),
                "date": opened.strftime("%y%m%d"),
            }
        )
    }
    owners = pd.DataFrame({"client_id": ids * 2, "account_id": ids, "type": "OWNER"})
    others = ids[luck.random(accounts) < 0.2]
    more = pd.DataFrame({"client_id": others * 2 - 1, "account_id": others, "type": "DISPONENT"})
    disp = pd.concat([owners, more]).sort_values("client_id").reset_index(drop=True)
    disp.insert(0, "disp_id", np.arange(1, len(disp) + 1) + 10)
    tables["disp"] = disp
    born = days("1920-01-01", "1975-12-31", len(disp))
    female = luck.random(len(disp)) < 0.5
    tables["client"] = pd.DataFrame(
        {
            "client_id": disp["client_id"],
            "birth_number": [f"{d:%y}{d.month + 50 * f:02d}{d:%d}" for d, f in zip(born, female, strict=True)],
            "district_id": luck.integers(1, 78, len(disp)),
        }
    )
    carded = disp[luck.random(len(disp)) < 0.3]
    tables["card"] = pd.DataFrame(
        {
            "card_id": np.arange(1, len(carded) + 1),
            "disp_id": carded["disp_id"].to_numpy(),
            "type": _pick(luck, ["classic", "junior", "gold"], len(carded)),
            "issued": days("1993-01-01", "1994-03-01", len(carded)).strftime("%y%m%d 00:00:00"),
        }
    )
    lent = ids[luck.random(accounts) < 0.15]
    tables["loan"] = pd.DataFrame(
        {
            "loan_id": np.arange(1, len(lent) + 1) + 5_000,
            "account_id": lent,
            "date": days("1993-06-01", "1994-03-01", len(lent)).strftime("%y%m%d"),
            "amount": luck.integers(10_000, 300_000, len(lent)),
            "duration": luck.choice([12, 24, 36], len(lent)),
            "status": _pick(luck, ["A", "B", "C"], len(lent)),
        }
    )
    moves = accounts * 25
    trans = pd.DataFrame(
        {"account_id": luck.choice(ids, moves), "date": days("1993-07-01", "1994-03-31", moves)}
    ).sort_values(["date", "account_id"])
    amounts = np.round(luck.gamma(1.5, 2_000, moves), 2)
    credit = luck.random(moves) < 0.55
    signed = pd.Series(np.where(credit, amounts, -amounts * 0.8), index=trans.index)
    balance = 15_000 + signed.groupby(trans["account_id"]).cumsum()
    trans.insert(0, "trans_id", np.arange(1, moves + 1))
    trans["type"] = np.where(credit, "PRIJEM", "VYDAJ")
    trans["operation"] = np.where(credit, "VKLAD", "VYBER")
    trans["amount"], trans["balance"] = amounts, np.round(np.maximum(balance, 0), 2)
    trans["date"] = trans["date"].dt.strftime("%y%m%d")
    tables["trans"] = trans
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, sep=";")
    return [folder / f"{name}.csv" for name in tables]


def telecom(folder: Path, rows: int = ROWS) -> list[Path]:
    """A telecom-like table: blanks in a column of numbers, for those who have only come."""
    luck = _luck(5)
    tenure = luck.integers(0, 73, rows)
    monthly = np.round(luck.uniform(18, 119, rows), 2)
    total = [" " if t == 0 else f"{t * m:.2f}" for t, m in zip(tenure, monthly, strict=True)]
    yes_no = ["Yes", "No"]
    frame = pd.DataFrame(
        {
            "customerID": [f"{n:04d}-{chr(65 + n % 26) * 5}" for n in luck.permutation(9_000)[:rows]],
            "gender": _pick(luck, ["Female", "Male"], rows),
            "SeniorCitizen": luck.integers(0, 2, rows),
            "Partner": _pick(luck, yes_no, rows),
            "Dependents": _pick(luck, yes_no, rows),
            "tenure": tenure,
            "PhoneService": _pick(luck, yes_no, rows),
            "InternetService": _pick(luck, ["DSL", "Fiber optic", "No"], rows),
            "OnlineSecurity": _pick(luck, [*yes_no, "No internet service"], rows),
            "Contract": _pick(luck, ["Month-to-month", "One year", "Two year"], rows),
            "PaperlessBilling": _pick(luck, yes_no, rows),
            "PaymentMethod": _pick(luck, ["Electronic check", "Mailed check"], rows),
            "MonthlyCharges": monthly,
            "TotalCharges": total,
            "Churn": _pick(luck, yes_no, rows, [0.26, 0.74]),
        }
    )
    frame.to_csv(folder / "telecom.csv", index=False)
    return [folder / "telecom.csv"]


def chinese(folder: Path, rows: int = ROWS) -> list[Path]:
    """A Chinese export in GB18030: Chinese headers, amounts with a sign and thousands marks."""
    luck = _luck(6)
    born = pd.Timestamp("1945-01-01") + pd.to_timedelta(luck.integers(0, 20_000, rows), "D")
    opened = pd.Timestamp("2005-01-01") + pd.to_timedelta(luck.integers(0, 6_500, rows), "D")
    frame = pd.DataFrame(
        {
            "序号": np.arange(1, rows + 1),
            "客户号": [f"{n:010d}" for n in luck.choice(90_000_000, rows, replace=False) + 1_000],
            "姓名": _pick(luck, ["张伟", "王芳", "李娜", "刘洋"], rows),
            "性别": _pick(luck, ["男", "女"], rows),
            "出生日期": born.strftime("%Y年%m月%d日"),
            "开户日期": opened.strftime("%Y-%m-%d"),
            "所属分行": _pick(luck, ["上海分行", "北京分行", "深圳分行"], rows),
            "客户等级": _pick(luck, ["普通", "金卡", "金葵花", "私人银行"], rows, [0.8, 0.15, 0.04, 0.01]),
            "月日均资产": [f"¥{value:,.2f}" for value in _money(luck, rows, 12_000, 1.6)],
            "产品数": luck.integers(1, 8, rows),
            "手机银行": _pick(luck, ["是", "否"], rows),
            "年收入": luck.integers(30, 900, rows) * 1_000,
            "手机号": [f"139{n:08d}" for n in luck.integers(0, 10**8, rows)],
            "最近交易日期": (pd.Timestamp("2023-06-30") - pd.to_timedelta(luck.integers(0, 300, rows), "D")).strftime(
                "%Y-%m-%d"
            ),
            "是否流失": _pick(luck, ["是", "否"], rows, [0.1, 0.9]),
        }
    )
    (folder / "export.csv").write_bytes(frame.to_csv(index=False).encode("gb18030"))
    return [folder / "export.csv"]


def european(folder: Path, rows: int = ROWS) -> list[Path]:
    """A German export: semicolons, decimal commas, days first, the Latin letters of Windows."""
    luck = _luck(7)
    born = pd.Timestamp("1940-01-01") + pd.to_timedelta(luck.integers(0, 22_000, rows), "D")
    since = pd.Timestamp("1995-01-01") + pd.to_timedelta(luck.integers(0, 10_000, rows), "D")

    def german(amounts: np.ndarray, sign: str = "") -> list[str]:
        return [f"{amount:,.2f}{sign}".translate(str.maketrans(",.", ".,")) for amount in amounts]

    frame = pd.DataFrame(
        {
            "Kundennummer": luck.choice(9_000_000, rows, replace=False) + 1_000_000,
            "Nachname": [f"Müller{n}" for n in luck.integers(0, rows, rows)],
            "Geschlecht": _pick(luck, ["m", "w"], rows),
            "Geburtsdatum": born.strftime("%d.%m.%Y"),
            "Kunde seit": since.strftime("%d.%m.%Y"),
            "PLZ": [f"{n:05d}" for n in luck.integers(1_000, 99_999, rows)],
            "Kontostand": german(_money(luck, rows, 9_000, 1.3)),
            "Anzahl Produkte": luck.integers(1, 7, rows),
            "Onlinebanking": _pick(luck, ["ja", "nein"], rows),
            "Jahreseinkommen": german(_money(luck, rows, 42_000, 0.4), " €"),
            "Kündigung": _pick(luck, ["ja", "nein"], rows, [0.08, 0.92]),
        }
    )
    (folder / "kunden.csv").write_bytes(frame.to_csv(index=False, sep=";").encode("cp1252"))
    return [folder / "kunden.csv"]


def workbook(folder: Path, rows: int = ROWS) -> list[Path]:
    """An Excel sheet with spaced headers and true dates."""
    luck = _luck(8)
    frame = pd.DataFrame(
        {
            "Customer No.": luck.choice(900_000, rows, replace=False) + 100_000,
            "First Name": [f"Given{n}" for n in luck.integers(0, 80, rows)],
            "E-mail": [f"person{n}@example.org" for n in range(rows)],
            "Birth Year": luck.integers(1945, 2004, rows),
            "Date Opened": pd.Timestamp("2008-01-01") + pd.to_timedelta(luck.integers(0, 5_500, rows), "D"),
            "Branch Code": luck.integers(1, 60, rows),
            "Total Assets": _money(luck, rows, 20_000, 1.3),
            "No. of Products": luck.integers(1, 9, rows),
            "App User": _pick(luck, ["Y", "N"], rows),
            "Share of Wallet (%)": luck.integers(5, 101, rows),
            "Satisfaction": luck.integers(0, 11, rows),
            "Segment": _pick(luck, ["Mass", "Affluent", "Wealth", "Private"], rows, [0.8, 0.14, 0.05, 0.01]),
            "Status": _pick(luck, ["Active", "Dormant"], rows, [0.85, 0.15]),
        }
    )
    frame.to_excel(folder / "customers.xlsx", index=False)
    return [folder / "customers.xlsx"]


def _truth(columns: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {column.strip(): fields.get(column.strip(), "") for column in columns.split(",")}


LAYOUTS = (
    Layout(
        "retail",
        retail_churn,
        _truth(
            "RowNumber, CustomerId, Surname, CreditScore, Geography, Gender, Age, Tenure, Balance, NumOfProducts, "
            "HasCrCard, IsActiveMember, EstimatedSalary, Exited",
            {
                "CustomerId": "id",
                "Age": "age",
                "Tenure": "tenure_months",
                "Balance": "aum",
                "NumOfProducts": "products",
                "IsActiveMember": "state",
                "EstimatedSalary": "income",
            },
        ),
        frozenset({"Tenure", "Exited"}),
        scaled={"tenure_months": 12},
    ),
    Layout(
        "cards",
        card_customers,
        _truth(
            "CLIENTNUM, Attrition_Flag, Customer_Age, Gender, Dependent_count, Education_Level, Marital_Status, "
            "Income_Category, Card_Category, Months_on_book, Total_Relationship_Count, Months_Inactive_12_mon, "
            "Contacts_Count_12_mon, Credit_Limit, Total_Revolving_Bal, Avg_Open_To_Buy, Total_Amt_Chng_Q4_Q1, "
            "Total_Trans_Amt, Total_Trans_Ct, Total_Ct_Chng_Q4_Q1, Avg_Utilization_Ratio, "
            "Naive_Bayes_Classifier_Attrition_Flag_mon_1, Naive_Bayes_Classifier_Attrition_Flag_mon_2",
            {
                "CLIENTNUM": "id",
                "Customer_Age": "age",
                "Months_on_book": "tenure_months",
                "Total_Relationship_Count": "products",
                "Credit_Limit": "aum",
            },
        ),
        frozenset(
            {
                "Attrition_Flag",
                "Credit_Limit",
                "Naive_Bayes_Classifier_Attrition_Flag_mon_1",
                "Naive_Bayes_Classifier_Attrition_Flag_mon_2",
            }
        ),
    ),
    Layout(
        "telecom",
        telecom,
        _truth(
            "customerID, gender, SeniorCitizen, Partner, Dependents, tenure, PhoneService, InternetService, "
            "OnlineSecurity, Contract, PaperlessBilling, PaymentMethod, MonthlyCharges, TotalCharges, Churn",
            {"customerID": "id", "tenure": "tenure_months", "TotalCharges": "aum"},
        ),
        frozenset({"tenure", "TotalCharges", "Churn"}),
    ),
    Layout(
        "chinese",
        chinese,
        _truth(
            "序号, 客户号, 姓名, 性别, 出生日期, 开户日期, 所属分行, 客户等级, 月日均资产, 产品数, 手机银行, 年收入, "
            "手机号, 最近交易日期, 是否流失",
            {
                "客户号": "id",
                "出生日期": "age",
                "开户日期": "tenure_months",
                "客户等级": "tier",
                "月日均资产": "aum",
                "产品数": "products",
                "手机银行": "digital_active",
                "年收入": "income",
            },
        ),
        frozenset({"是否流失"}),
    ),
    Layout(
        "european",
        european,
        _truth(
            "Kundennummer, Nachname, Geschlecht, Geburtsdatum, Kunde seit, PLZ, Kontostand, Anzahl Produkte, "
            "Onlinebanking, Jahreseinkommen, Kündigung",
            {
                "Kundennummer": "id",
                "Geburtsdatum": "age",
                "Kunde seit": "tenure_months",
                "Kontostand": "aum",
                "Anzahl Produkte": "products",
                "Onlinebanking": "digital_active",
                "Jahreseinkommen": "income",
            },
        ),
        frozenset({"Kündigung"}),
    ),
    Layout(
        "workbook",
        workbook,
        _truth(
            "Customer No., First Name, E-mail, Birth Year, Date Opened, Branch Code, Total Assets, No. of Products, "
            "App User, Share of Wallet (%), Satisfaction, Segment, Status",
            {
                "Customer No.": "id",
                "Birth Year": "age",
                "Date Opened": "tenure_months",
                "Total Assets": "aum",
                "No. of Products": "products",
                "App User": "digital_active",
                "Share of Wallet (%)": "share_of_wallet",
                "Satisfaction": "satisfaction",
                "Segment": "tier",
                "Status": "state",
            },
        ),
        frozenset({"Birth Year", "Satisfaction"}),
    ),
    Layout(
        "holdings",
        holdings,
        {
            **_truth(
                "fecha_dato, ncodpers, ind_empleado, pais_residencia, sexo, age, fecha_alta, ind_nuevo, antiguedad, "
                "indrel, tiprel_1mes, canal_entrada, nomprov, ind_actividad_cliente, renta, segmento",
                {
                    "ncodpers": "id",
                    "age": "age",
                    "antiguedad": "tenure_months",
                    "ind_actividad_cliente": "state",
                    "renta": "income",
                    "segmento": "tier",
                },
            ),
            **{f"ind_{flag}_ult1": "products" for flag in FLAGS},
        },
        frozenset({"age", "antiguedad", "segmento", "products", "renta"}),
    ),
    Layout(
        "berka",
        berka,
        _truth(
            "account.account_id, account.district_id, account.frequency, account.date, disp.disp_id, disp.client_id, "
            "disp.account_id, disp.type, client.client_id, client.birth_number, client.district_id, card.card_id, "
            "card.disp_id, card.type, card.issued, loan.loan_id, loan.account_id, loan.date, loan.amount, "
            "loan.duration, loan.status, trans.trans_id, trans.account_id, trans.date, trans.type, trans.operation, "
            "trans.amount, trans.balance",
            {
                "account.account_id": "id",
                "account.date": "tenure_months",
                "client.birth_number": "age",
                "card.card_id": "products",
                "loan.loan_id": "products",
                "trans.balance": "aum",
            },
        ),
        frozenset({"open_date", "birth_date", "products"}),
    ),
)
