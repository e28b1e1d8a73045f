/* What a block adds to the sums of its chunk: flows, stocks, wishes for a contact. All integers. */

RULE count_reach(Block *restrict b, const Now *restrict now, const Sums *restrict sums) {
    static const int32_t planned_for[8] = {DUE, KEEP, FOLLOW, KEEP, OFFER, KEEP, FOLLOW, KEEP};
    float years = (float)now->month / 12.0f;
    for (int place = 0; place < b->wished; place++) {
        int i = b->wishes[place];
        int32_t planned = b->w.plan[i], channel = b->w.channel[i];
        int32_t contacted = MISSED + (int32_t)b->w.reached[i] * (2 - (int32_t)b->w.offered[i] * (1 - b->w.made_sale[i]));
        int32_t end = channel >= 0 ? contacted : LOST - channel;
        int32_t wish = planned >= 0 ? planned_for[(planned >> 3) & 7] : CAMPAIGN + b->w.keeping[i];
        if (planned < NOBODY) {
            wish = (LOST - planned) >> 2;
            end = (LOST - planned) & 3;
        } else if (b->state[i] == DORMANT) {
            wish = WIN_BACK;
            end = channel >= 0 ? (b->w.after[i] == ACTIVE ? ANSWERED : DECLINED) : SILENCED;
        }
        int32_t group = 2 * (b->age[i] + years >= (float)SENIOR) + (b->adopted[i] != 0);
        int64_t weight = b->weight[i];
        int64_t *cell = sums->reach + ((((int64_t)b->tier[i] * N_GROUPS + group) * N_WISHES + wish) * N_ENDS + end) * 2;
        cell[0] += weight;
        cell[1] += weight * (int64_t)((double)b->aum[i] + 0.5);
    }
}

/* What a month adds up of everybody is added up for whole blocks. Most customers of a block are of one tier; the others
   are added to their tiers from a list, and taken off the total, which is then that tier's. Where all rows stand for as
   many customers (`alike`), totals are multiplied with that in the end. */

INLINE int64_t weight_of_all(BLOCK_IS, Block *restrict b) {
    uint32_t heaviest = 0, differ = 0;
    EACH heaviest = b->weight[i] > heaviest ? b->weight[i] : heaviest;
    EACH differ |= b->state[i] == CLOSED ? 0 : b->weight[i] ^ heaviest;
    return differ ? 0 : heaviest;
}

INLINE int main_tier_of(BLOCK_IS, const int32_t *restrict tier, const Rates *restrict p) {
    int main_tier = k, members = -1;
    if (one) return k;
    for (int j = 0; j < TIERS; j++) {
        int here = 0;
        EACH_ROW here += tier[i] == j;
        main_tier = here > members ? j : main_tier;
        members = here > members ? here : members;
    }
    return main_tier;
}

#define WEIGHT (alike ? (int64_t)1 : (int64_t)b->weight[i])
#define IF(condition) (-(int64_t)(condition)) /* a mask */
#define OPEN_ROW IF(b->state[i] != CLOSED)
#define ACTIVE_ROW IF(b->state[i] == ACTIVE)
#define FIXED(share) ((int64_t)((share) * SHARE_UNIT))
#define FEN(money) ((int64_t)((double)(money) * 100.0 + 0.5))

typedef struct {
    int64_t market, new_money;
} Moved;

INLINE Moved moved_of(const Block *restrict b, int i, int alike) {
    int64_t growth = OPEN_ROW & (b->growth[i] * WEIGHT);
    return (Moved){growth, (OPEN_ROW & ((b->worth[i] - b->before[i]) * WEIGHT)) - growth};
}

typedef struct {
    int64_t experiences, quality;
} Served;

INLINE Served served_of(const Block *restrict b, int i, int alike) {
    return (Served){ACTIVE_ROW & (FIXED(b->w.experience[i]) * WEIGHT), ACTIVE_ROW & (FIXED(b->w.felt[i]) * WEIGHT)};
}

INLINE void sum_flows(BLOCK_IS, Block *restrict b, int64_t of_all, const int alike, const Rates *restrict p, const Sums *restrict sums) {
    Moved moved = {0, 0};
    Served served = {0, 0};
    int main_tier = main_tier_of(AS_IT_IS, b->tier, p);
    EACH {
        Moved row = moved_of(b, i, alike);
        moved.market += row.market;
        moved.new_money += row.new_money;
    }
    EACH {
        Served row = served_of(b, i, alike);
        served.experiences += row.experiences;
        served.quality += row.quality;
    }
    if (!one) {
        EACH b->w.some[i] = b->tier[i] != main_tier;
        int others = rows_where(b->w.some, b->list, groups);
        for (int place = 0; place < others; place++) {
            int i = b->list[place];
            int64_t *tally = sums->tally + b->tier[i] * TALLIES;
            Moved row = moved_of(b, i, alike);
            Served visit = served_of(b, i, alike);
            tally[T_MARKET] += row.market * of_all;
            tally[T_NEW_MONEY] += row.new_money * of_all;
            tally[T_EXPERIENCES] += visit.experiences * of_all;
            tally[T_QUALITY] += visit.quality * of_all;
            moved.market -= row.market;
            moved.new_money -= row.new_money;
            served.experiences -= visit.experiences;
            served.quality -= visit.quality;
        }
    }
    int64_t *tally = sums->tally + main_tier * TALLIES;
    tally[T_MARKET] += moved.market * of_all;
    tally[T_NEW_MONEY] += moved.new_money * of_all;
    tally[T_EXPERIENCES] += served.experiences * of_all;
    tally[T_QUALITY] += served.quality * of_all;
}

/* AUM before and after, and what of the change is drift and market, in fen. */
INLINE void value(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t path = (int32_t)now->growth_path_size, start = (int32_t)now->start, month = (int32_t)now->month;
    EACH b->w.index[i] = most(least(month - 1 - most(b->joined_month[i], start), path - 1), 0);
    double grown[path], market = 1.0 + now->market_growth[k];
    for (int m = 0; m < path; m++) grown[m] = (1.0 + now->growth_path[m]) * market - 1.0;
    if (one)
        EACH b->grown[i] = grown[b->w.index[i]];
    else
        EACH b->grown[i] = (1.0 + now->growth_path[b->w.index[i]]) * (1.0 + now->market_growth[b->tier[i]]) - 1.0;
    EACH b->growth[i] = (int64_t)floor((double)b->aum[i] * b->grown[i] * 100.0 + 0.5);
    EACH {
        b->before[i] = FEN(b->aum[i]);
        b->worth[i] = FEN(b->w.money[i]);
    }
}

RULE count_flows(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    int64_t of_all = weight_of_all(AS_IT_IS, b);
    value(AS_IT_IS, b, now, p);
    if (of_all)
        sum_flows(AS_IT_IS, b, of_all, 1, p, sums);
    else
        sum_flows(AS_IT_IS, b, 1, 0, p, sums);

    int32_t month = (int32_t)now->month;
    EACH b->w.index[i] = b->tier[i] * (TENURE_LAST + 1) + least(most(month - b->joined_month[i] - 1, 0), TENURE_LAST);
    EACH b->w.some[i] = b->state[i] == ACTIVE ? (int32_t)b->weight[i] : 0;
    for (int i = 0; i < LANES * groups; i++) sums->cohort[b->w.index[i] * 3] += (uint32_t)b->w.some[i];
    EACH b->w.some[i] = (b->state[i] != CLOSED)
                        & ((b->w.channel[i] >= 0) | (b->w.taken[i] > 0) | (b->w.failed[i] > 0.0f)
                           | (b->w.after[i] != b->state[i]) | (b->w.new_tier[i] != b->tier[i]));
    int count = rows_where(b->w.some, b->list, groups);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        int32_t state = b->state[i], after = b->w.after[i], k = b->tier[i], j = b->w.new_tier[i];
        int64_t *tally = sums->tally + k * TALLIES, weight = b->weight[i], worth = b->worth[i];
        if (b->w.channel[i] >= 0) {
            tally[T_CONTACTS + b->w.channel[i]] += weight;
            tally[T_OPT_OUTS] += weight * b->w.opted[i];
        }
        if (state == ACTIVE) {
            tally[T_SALES] += weight * b->w.taken[i];
            tally[T_FAILURES] += b->w.failed[i] > 0.0f ? weight : 0;
            tally[T_COMPLAINTS] += b->w.failed[i] > 0.0f ? weight * (int64_t)b->w.complained[i] : 0;
            if (after != ACTIVE) {
                tally[T_AUM_EXITED] += weight * b->before[i];
                sums->cohort[b->w.index[i] * 3 + (after == CLOSED ? 1 : 2)] += weight;
                if (b->manager[i] >= 0) sums->book_exits[b->manager[i]] += weight;
                if (after == DORMANT) tally[T_DORMANT] += weight;
            }
        } else if (after == ACTIVE)
            tally[T_REACTIVATED] += weight;
        if (after == CLOSED) {
            tally[T_CLOSED] += weight;
            if (state == DORMANT) tally[T_CLOSED_DORMANT] += weight;
            int64_t from = b->year_start[i], last = sums->left_from_size - 1;
            sums->left_from[from < last ? from : last] += weight;
        } else if (j != k) {
            int64_t *there = sums->tally + j * TALLIES;
            tally[j > k ? T_UPGRADED : T_DOWNGRADED] += weight;
            there[T_MOVED_IN] += weight;
            there[T_AUM_MOVED] += weight * worth;
            tally[T_AUM_MOVED] -= weight * worth;
        }
    }
}

typedef struct {
    int64_t open, active, opted_out, digital;
} Heads;

INLINE Heads heads_of(const Block *restrict b, int i, int alike) {
    int64_t open = OPEN_ROW & WEIGHT, active = ACTIVE_ROW & WEIGHT;
    return (Heads){open, active, open & IF(b->opted_out[i] != 0), active & IF(b->adopted[i] != 0)};
}

typedef struct {
    int64_t aum, earned, wallet;
} Owned;

INLINE Owned owned_of(const Block *restrict b, int i, int alike) {
    return (Owned){OPEN_ROW & (b->worth[i] * WEIGHT), OPEN_ROW & (FEN(b->w.a[i]) * WEIGHT),
                   OPEN_ROW & (FIXED(b->w.held[i] / b->w.odds[i]) * WEIGHT)};
}

typedef struct {
    int64_t products, earned;
} Sold;

INLINE Sold sold_of(const Block *restrict b, int i, int alike) {
    int64_t products = b->products[i], adverse = IF((b->traits[i] & ADVERSE) != 0), earned = FEN(b->w.b[i]) * (products - 1);
    return (Sold){ACTIVE_ROW & (products * WEIGHT), ACTIVE_ROW & (((earned ^ adverse) - adverse) * WEIGHT)};
}

typedef struct {
    int64_t satisfaction, trust, loyalty, loyalty2;
} Felt;

INLINE Felt felt_of(const Block *restrict b, int i, int alike) {
    float loyal = b->w.c[i];
    return (Felt){ACTIVE_ROW & (FIXED(b->w.score[i]) * WEIGHT), ACTIVE_ROW & (FIXED(b->w.d[i]) * WEIGHT),
                  ACTIVE_ROW & (FIXED(loyal) * WEIGHT), ACTIVE_ROW & (FIXED(loyal * loyal) * WEIGHT)};
}

/* What stocks are made of: earnings in `a` and `b`, loyalty in `c`, trust in SD in `d`. */
INLINE void measure(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float base = p->product_base, trust_sd = p->trust_sd, step = p->habit_step;
    float by_score = p->loyal_satisfaction, by_trust = p->loyal_trust, by_bond = p->loyal_bond, by_habit = p->loyal_habit;
    int32_t habit_months = p->habit_months, month = (int32_t)now->month;
    EACH {
        b->w.a[i] = 0.0f;
        b->w.b[i] = base;
    }
    for (int j = 0; j < TIERS; j++) {
        float low = p->threshold[j], high = p->ceiling[j], rate = p->slice_rate[j], slope = p->product_slope[j];
        EACH {
            float part = max_of(min_of(b->w.money[i], high) - low, 0.0f);
            b->w.a[i] += rate * part;
            b->w.b[i] += slope * part;
        }
    }
    EACH {
        float habit = (float)least(most(month - b->joined_month[i], 0), habit_months) * step - 1.0f;
        float trust = b->trust[i] / trust_sd;
        b->w.d[i] = trust;
        b->w.c[i] = by_score * b->w.score[i] + by_trust * trust + by_bond * b->bond[i] + by_habit * habit;
    }
}

#define TAKE(name, column) \
    tally[column] += row.name * of_all; \
    total.name -= row.name;

INLINE void sum_stocks(BLOCK_IS, const int asleep, Block *restrict b, int64_t of_all, const int alike, const Rates *restrict p,
                       const Sums *restrict sums) {
    int main_tier = main_tier_of(AS_IT_IS, b->tier, p);
    int64_t *main_tally = sums->tally + main_tier * TALLIES;
    EACH b->w.some[i] = b->tier[i] != main_tier;
    int others = rows_where(b->w.some, b->list, groups);
#define ALL_OF(Kind, of, ADDED, TAKEN, GIVEN) \
    { \
        Kind total = {0}; \
        EACH { \
            Kind row = of(b, i, alike); \
            ADDED \
        } \
        for (int place = 0; place < others; place++) { \
            int i = b->list[place]; \
            int64_t *tally = sums->tally + b->tier[i] * TALLIES; \
            Kind row = of(b, i, alike); \
            TAKEN \
        } \
        GIVEN \
    }
#define ADD(name) total.name += row.name;
#define GIVE(name, column) main_tally[column] += total.name * of_all;
    ALL_OF(Heads, heads_of, ADD(open) ADD(active) ADD(opted_out) ADD(digital),
           TAKE(open, T_OPEN) TAKE(active, T_ACTIVE) TAKE(opted_out, T_OPTED_OUT) TAKE(digital, T_DIGITAL),
           GIVE(open, T_OPEN) GIVE(active, T_ACTIVE) GIVE(opted_out, T_OPTED_OUT) GIVE(digital, T_DIGITAL))
    ALL_OF(Owned, owned_of, ADD(aum) ADD(earned) ADD(wallet),
           TAKE(aum, T_AUM) TAKE(earned, T_EARNED) TAKE(wallet, T_WALLET),
           GIVE(aum, T_AUM) GIVE(earned, T_EARNED) GIVE(wallet, T_WALLET))
    if (asleep) { /* those who woke */
        EACH b->w.some[i] = b->state[i] == ACTIVE;
        int awake = rows_where(b->w.some, b->list, groups);
        for (int place = 0; place < awake; place++) {
            int i = b->list[place];
            int64_t *tally = sums->tally + b->tier[i] * TALLIES;
            Sold sold = sold_of(b, i, alike);
            Felt felt = felt_of(b, i, alike);
            tally[T_PRODUCTS] += sold.products * of_all;
            tally[T_EARNED_PRODUCTS] += sold.earned * of_all;
            tally[T_SATISFACTION] += felt.satisfaction * of_all;
            tally[T_TRUST] += felt.trust * of_all;
            tally[T_LOYALTY] += felt.loyalty * of_all;
            tally[T_LOYALTY2] += felt.loyalty2 * of_all;
        }
        return;
    }
    ALL_OF(Sold, sold_of, ADD(products) ADD(earned), TAKE(products, T_PRODUCTS) TAKE(earned, T_EARNED_PRODUCTS),
           GIVE(products, T_PRODUCTS) GIVE(earned, T_EARNED_PRODUCTS))
    ALL_OF(Felt, felt_of, ADD(satisfaction) ADD(trust) ADD(loyalty) ADD(loyalty2),
           TAKE(satisfaction, T_SATISFACTION) TAKE(trust, T_TRUST) TAKE(loyalty, T_LOYALTY) TAKE(loyalty2, T_LOYALTY2),
           GIVE(satisfaction, T_SATISFACTION) GIVE(trust, T_TRUST) GIVE(loyalty, T_LOYALTY) GIVE(loyalty2, T_LOYALTY2))
}

RULE count_stocks(BLOCK_IS, const int asleep, Block *restrict b, const Now *restrict now, const Rates *restrict p,
                  const Sums *restrict sums) {
    int64_t of_all = weight_of_all(AS_IT_IS, b);
    measure(AS_IT_IS, b, now, p);
    if (of_all)
        sum_stocks(AS_IT_IS, asleep, b, of_all, 1, p, sums);
    else
        sum_stocks(AS_IT_IS, asleep, b, 1, 0, p, sums);
    if (asleep) return; /* nobody has a manager */
    EACH b->w.some[i] = (b->manager[i] >= 0) & (b->state[i] == ACTIVE);
    int count = rows_where(b->w.some, b->list, groups);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        int64_t *tally = sums->tally + b->tier[i] * TALLIES, weight = b->weight[i];
        tally[T_MANAGED_OPEN] += weight;
        tally[T_BOND] += weight * FIXED(b->bond[i]);
    }
}
