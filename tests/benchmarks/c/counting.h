/* What a block adds to the sums of its chunk: flows, stocks, wishes for a contact. All integers. */

RULE count_reach(Block *restrict b, const Now *restrict now, const Sums *restrict sums) {
    static const int32_t planned_for[8] = {DUE, KEEP, FOLLOW, KEEP, OFFER, KEEP, FOLLOW, KEEP};
    float years = (float)now->month / 12.0f;
    EACH b->w.some[i] = (b->w.channel[i] != NOBODY) | (b->w.plan[i] < NOBODY);
    int count = rows_where(b->w.some, b->list);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
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
        cell[1] += weight * (int64_t)(b->aum[i] + 0.5);
    }
}

/* What a month adds up of everybody is computed for whole blocks, in columns of `b->sum`, with the total of each. Most
   customers of a block are of one tier: the others' rows are added to their tiers from a list, and taken off the total,
   which is then that tier's. Where all rows stand for as many customers, `weight` is 1 and multiplied with in the end. */

static int64_t weight_of_all(const Block *restrict b) {
    uint32_t heaviest = 0, differ = 0;
    EACH heaviest = b->state[i] != CLOSED && b->weight[i] > heaviest ? b->weight[i] : heaviest;
    EACH differ |= b->state[i] != CLOSED ? b->weight[i] ^ heaviest : 0;
    return differ ? 0 : heaviest;
}

INLINE void add_by_tier(Block *restrict b, const int32_t *restrict tier, int64_t *restrict total, const int *restrict column,
                        int count, int64_t weight, const Rates *restrict p, const Sums *restrict sums) {
    int main_tier = 0, members = -1;
    for (int k = 0; k < TIERS; k++) {
        int here = 0;
        EACH here += tier[i] == k;
        main_tier = here > members ? k : main_tier;
        members = here > members ? here : members;
    }
    EACH b->w.some[i] = tier[i] != main_tier;
    int others = rows_where(b->w.some, b->list);
    for (int place = 0; place < others; place++) {
        int i = b->list[place];
        int64_t *tally = sums->tally + tier[i] * TALLIES;
        for (int j = 0; j < count; j++) {
            int64_t value = b->sum[j][i];
            total[j] -= value;
            tally[column[j]] += value * weight;
        }
    }
    for (int j = 0; j < count; j++) sums->tally[main_tier * TALLIES + column[j]] += total[j] * weight;
}

#define WEIGHT (alike ? (int64_t)1 : (int64_t)b->weight[i])

INLINE void sum_flows(Block *restrict b, const Now *restrict now, const Rates *restrict p, int64_t *restrict total, int alike) {
    int64_t market = 0, new_money = 0, experiences = 0, quality = 0;
    int32_t path = (int32_t)now->growth_path_size, start = (int32_t)now->start, month = (int32_t)now->month;
    EACH {
        int32_t joined = most(b->joined_month[i], start);
        b->w.index[i] = b->tier[i] * path + least(month - 1 - joined, path - 1);
    }
    double grown[path * TIERS];
    for (int k = 0; k < TIERS; k++)
        for (int m = 0; m < path; m++)
            grown[k * path + m] = (1.0 + now->growth_path[m]) * (1.0 + now->market_growth[k]) - 1.0;
    EACH {
        int64_t open = -(int64_t)(b->state[i] != CLOSED);
        double growing = floor(b->aum[i] * grown[b->w.index[i]] * 100.0 + 0.5);
        int64_t before = (int64_t)(b->aum[i] * 100.0 + 0.5), worth = (int64_t)((double)b->w.money[i] * 100.0 + 0.5);
        int64_t growth = open & ((int64_t)growing * WEIGHT);
        int64_t brought = open & ((worth - before) * WEIGHT - growth);
        b->before[i] = before;
        b->worth[i] = worth;
        b->sum[0][i] = growth;
        b->sum[1][i] = brought;
        market += growth;
        new_money += brought;
    }
    EACH {
        int64_t active = -(int64_t)(b->state[i] == ACTIVE);
        int64_t met = active & ((int64_t)(b->w.experience[i] * SHARE_UNIT) * WEIGHT);
        int64_t felt = active & ((int64_t)(b->w.felt[i] * SHARE_UNIT) * WEIGHT);
        b->sum[2][i] = met;
        b->sum[3][i] = felt;
        experiences += met;
        quality += felt;
    }
    total[0] = market;
    total[1] = new_money;
    total[2] = experiences;
    total[3] = quality;
}

RULE count_flows(Block *restrict b, const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    static const int columns[] = {T_MARKET, T_NEW_MONEY, T_EXPERIENCES, T_QUALITY};
    int64_t total[4], alike = weight_of_all(b);
    if (alike)
        sum_flows(b, now, p, total, 1);
    else
        sum_flows(b, now, p, total, 0);
    add_by_tier(b, b->tier, total, columns, 4, alike ? alike : 1, p, sums);

    int32_t month = (int32_t)now->month;
    EACH b->w.some[i] = b->state[i] == ACTIVE;
    EACH b->w.index[i] = b->tier[i] * (TENURE_LAST + 1) + least(most(month - b->joined_month[i] - 1, 0), TENURE_LAST);
    int active = rows_where(b->w.some, b->list);
    for (int place = 0; place < active; place++) {
        int i = b->list[place];
        sums->cohort[b->w.index[i] * 3] += b->weight[i];
    }
    EACH b->w.some[i] = (b->state[i] != CLOSED)
                        & ((b->w.channel[i] >= 0) | (b->w.taken[i] > 0) | (b->w.failed[i] > 0.0f)
                           | (b->w.after[i] != b->state[i]) | (b->w.new_tier[i] != b->tier[i]));
    int count = rows_where(b->w.some, b->list);
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

static const int STOCKS[] = {T_OPEN,     T_ACTIVE,  T_OPTED_OUT, T_DIGITAL,      T_AUM,          T_EARNED,  T_WALLET,
                             T_PRODUCTS, T_EARNED_PRODUCTS,      T_SATISFACTION, T_TRUST,        T_LOYALTY, T_LOYALTY2};
enum { N_STOCKS = sizeof STOCKS / sizeof *STOCKS };

INLINE void sum_stocks(Block *restrict b, const Now *restrict now, const Rates *restrict p, int64_t *restrict total, int alike) {
    float *earned = b->w.a, *each = b->w.b, *loyal = b->w.c, *trusting = b->w.d;
    float base = p->product_base, trust_sd = p->trust_sd, step = p->habit_step;
    float by_score = p->loyal_satisfaction, by_trust = p->loyal_trust, by_bond = p->loyal_bond, by_habit = p->loyal_habit;
    int32_t habit_months = p->habit_months, month = (int32_t)now->month;
    EACH {
        earned[i] = 0.0f;
        each[i] = base;
    }
    for (int k = 0; k < TIERS; k++) {
        float low = p->threshold[k], high = p->ceiling[k], rate = p->slice_rate[k], slope = p->product_slope[k];
        EACH {
            float part = max_of(min_of(b->w.money[i], high) - low, 0.0f);
            earned[i] += rate * part;
            each[i] += slope * part;
        }
    }
    EACH {
        float habit = (float)least(most(month - b->joined_month[i], 0), habit_months) * step - 1.0f;
        trusting[i] = b->trust[i] / trust_sd;
        loyal[i] = by_score * b->w.score[i] + by_trust * trusting[i] + by_bond * b->bond[i] + by_habit * habit;
    }
    int64_t opens = 0, actives = 0, opted_out = 0, digital = 0;
    EACH {
        int64_t open = WEIGHT & -(int64_t)(b->state[i] != CLOSED), active = WEIGHT & -(int64_t)(b->state[i] == ACTIVE);
        int64_t opted = open & -(int64_t)(b->opted_out[i] != 0), app = active & -(int64_t)(b->adopted[i] != 0);
        b->sum[0][i] = open;
        b->sum[1][i] = active;
        b->sum[2][i] = opted;
        b->sum[3][i] = app;
        opens += open;
        actives += active;
        opted_out += opted;
        digital += app;
    }
    int64_t aum = 0, earning = 0, wallet = 0;
    EACH {
        int64_t open = -(int64_t)(b->state[i] != CLOSED);
        int64_t owned = open & (b->worth[i] * WEIGHT);
        int64_t gain = open & ((int64_t)((double)earned[i] * 100.0 + 0.5) * WEIGHT);
        int64_t share = open & ((int64_t)(b->held[i] / b->w.odds[i] * SHARE_UNIT) * WEIGHT);
        b->sum[4][i] = owned;
        b->sum[5][i] = gain;
        b->sum[6][i] = share;
        aum += owned;
        earning += gain;
        wallet += share;
    }
    int64_t products = 0, earning_products = 0;
    EACH {
        int64_t active = -(int64_t)(b->state[i] == ACTIVE), held = b->products[i], adverse = -(int64_t)(b->adverse[i] != 0);
        int64_t worth = (int64_t)((double)each[i] * 100.0 + 0.5) * (held - 1);
        held = active & (held * WEIGHT);
        worth = active & (((worth ^ adverse) - adverse) * WEIGHT);
        b->sum[7][i] = held;
        b->sum[8][i] = worth;
        products += held;
        earning_products += worth;
    }
    int64_t satisfaction = 0, trust = 0, loyalty = 0, loyalty2 = 0;
    EACH {
        int64_t active = -(int64_t)(b->state[i] == ACTIVE);
        int64_t score = active & ((int64_t)(b->w.score[i] * SHARE_UNIT) * WEIGHT);
        int64_t trusts = active & ((int64_t)(trusting[i] * SHARE_UNIT) * WEIGHT);
        int64_t once = active & ((int64_t)(loyal[i] * SHARE_UNIT) * WEIGHT);
        int64_t twice = active & ((int64_t)(loyal[i] * loyal[i] * SHARE_UNIT) * WEIGHT);
        b->sum[9][i] = score;
        b->sum[10][i] = trusts;
        b->sum[11][i] = once;
        b->sum[12][i] = twice;
        satisfaction += score;
        trust += trusts;
        loyalty += once;
        loyalty2 += twice;
    }
    int64_t all[N_STOCKS] = {opens,    actives,          opted_out,    digital, aum,     earning, wallet,
                             products, earning_products, satisfaction, trust,   loyalty, loyalty2};
    memcpy(total, all, sizeof all);
}

RULE count_stocks(Block *restrict b, const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    int64_t total[N_STOCKS], alike = weight_of_all(b);
    if (alike)
        sum_stocks(b, now, p, total, 1);
    else
        sum_stocks(b, now, p, total, 0);
    add_by_tier(b, b->tier, total, STOCKS, N_STOCKS, alike ? alike : 1, p, sums);
    EACH b->w.some[i] = (b->manager[i] >= 0) & (b->state[i] == ACTIVE);
    int count = rows_where(b->w.some, b->list);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        int64_t *tally = sums->tally + b->tier[i] * TALLIES, weight = b->weight[i];
        tally[T_MANAGED_OPEN] += weight;
        tally[T_BOND] += weight * (int64_t)(b->bond[i] * SHARE_UNIT);
    }
}
