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

RULE count_flows(Block *restrict b, const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    int64_t path = now->growth_path_size - 1;
    for (int i = 0; i < BLOCK; i++) {
        int32_t state = b->state[i], after = b->w.after[i], k = b->tier[i], j = b->w.new_tier[i];
        if (state == CLOSED) continue;
        int64_t *tally = sums->tally + k * TALLIES, weight = b->weight[i];
        int64_t before = (int64_t)(b->aum[i] * 100.0 + 0.5), worth = (int64_t)((double)b->w.money[i] * 100.0 + 0.5);
        int64_t joined = b->joined_month[i], start = now->start;
        int64_t since = now->month - 1 - (joined > start ? joined : start);
        since = since < path ? since : path;
        double grown = (1.0 + now->growth_path[since]) * (1.0 + now->market_growth[k]) - 1.0;
        int64_t growth = (int64_t)floor(b->aum[i] * grown * 100.0 + 0.5);
        tally[T_MARKET] += weight * growth;
        tally[T_NEW_MONEY] += weight * (worth - before - growth);
        if (b->w.channel[i] >= 0) {
            tally[T_CONTACTS + b->w.channel[i]] += weight;
            tally[T_OPT_OUTS] += weight * b->w.opted[i];
        }
        if (state == ACTIVE) {
            int64_t tenure = now->month - joined - 1;
            tenure = tenure < 0 ? 0 : (tenure > TENURE_LAST ? TENURE_LAST : tenure);
            int64_t *cohort = sums->cohort + (k * (TENURE_LAST + 1) + tenure) * 3;
            cohort[0] += weight;
            tally[T_SALES] += weight * b->w.taken[i];
            tally[T_EXPERIENCES] += weight * (int64_t)(b->w.experience[i] * SHARE_UNIT);
            tally[T_QUALITY] += weight * (int64_t)(b->w.felt[i] * SHARE_UNIT);
            if (b->w.failed[i] > 0.0f) {
                tally[T_FAILURES] += weight;
                tally[T_COMPLAINTS] += weight * (int64_t)b->w.complained[i];
            }
            if (after != ACTIVE) {
                tally[T_AUM_EXITED] += weight * before;
                cohort[after == CLOSED ? 1 : 2] += weight;
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

RULE count_stocks(Block *restrict b, const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    float *earned = b->w.a, *each = b->w.b;
    EACH {
        earned[i] = 0.0f;
        each[i] = p->product_base;
    }
    for (int k = 0; k < TIERS; k++) {
        float low = p->threshold[k], high = p->ceiling[k], rate = p->slice_rate[k], slope = p->product_slope[k];
        EACH {
            float part = max_of(min_of(b->w.money[i], high) - low, 0.0f);
            earned[i] += rate * part;
            each[i] += slope * part;
        }
    }
    for (int i = 0; i < BLOCK; i++) {
        if (b->state[i] == CLOSED) continue;
        int64_t *tally = sums->tally + b->tier[i] * TALLIES, weight = b->weight[i];
        tally[T_OPEN] += weight;
        tally[T_AUM] += weight * (int64_t)(b->aum[i] * 100.0 + 0.5);
        tally[T_EARNED] += weight * (int64_t)((double)earned[i] * 100.0 + 0.5);
        tally[T_WALLET] += weight * (int64_t)(b->held[i] / b->w.odds[i] * SHARE_UNIT);
        if (b->opted_out[i] != 0) tally[T_OPTED_OUT] += weight;
        if (b->state[i] == ACTIVE) {
            int64_t extra = b->products[i] - 1;
            float score = b->w.score[i], trusting = b->trust[i] / p->trust_sd;
            int32_t months = least(most((int32_t)now->month - b->joined_month[i], 0), p->habit_months);
            float habit = (float)months * p->habit_step - 1.0f;
            float loyal = p->loyal_satisfaction * score + p->loyal_trust * trusting + p->loyal_bond * b->bond[i]
                          + p->loyal_habit * habit;
            int64_t products = (int64_t)((double)each[i] * 100.0 + 0.5) * extra;
            tally[T_ACTIVE] += weight;
            tally[T_PRODUCTS] += weight * (extra + 1);
            tally[T_EARNED_PRODUCTS] += weight * (b->adverse[i] != 0 ? -products : products);
            tally[T_DIGITAL] += weight * b->adopted[i];
            tally[T_SATISFACTION] += weight * (int64_t)(score * SHARE_UNIT);
            tally[T_TRUST] += weight * (int64_t)(trusting * SHARE_UNIT);
            tally[T_LOYALTY] += weight * (int64_t)(loyal * SHARE_UNIT);
            tally[T_LOYALTY2] += weight * (int64_t)(loyal * loyal * SHARE_UNIT);
            if (b->manager[i] >= 0) {
                tally[T_MANAGED_OPEN] += weight;
                tally[T_BOND] += weight * (int64_t)(b->bond[i] * SHARE_UNIT);
            }
        }
    }
}
