/* Draws and elementary functions: those of sim/kernel/numerics.py, operation by operation, so that bits agree.

   Plain IEEE operations in a fixed order; compiled with -ffp-contract=off and without fast-math. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float min_of(float a, float b) { return b < a ? b : a; }
INLINE float max_of(float a, float b) { return b > a ? b : a; }
INLINE int32_t least(int32_t a, int32_t b) { return b < a ? b : a; }
INLINE int32_t most(int32_t a, int32_t b) { return b > a ? b : a; }
INLINE float float_of(int32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
INLINE int32_t bits_of(float x) { int32_t bits; memcpy(&bits, &x, 4); return bits; }

/* Philox4x32-10 (Salmon et al. 2011): a round on four words, and the key's steps. */
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

INLINE float unit_interval(uint32_t word) { return ((float)(int32_t)(word >> 9) + 0.5f) * 0x1p-23f; }

#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f

INLINE float exp_of(float x) {
    x = min_of(max_of(x, -87.0f), 88.0f);
    float k = floorf(x * 1.44269504f + 0.5f);
    float r = x - k * LN2_HIGH - k * LN2_LOW;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * float_of((int32_t)((uint32_t)((int32_t)k + 127) << 23));
}

INLINE float log_of(float x) {
    int32_t bits = bits_of(x);
    int32_t e = (bits - 0x3F3504F3) >> 23;
    float m = float_of(bits - (int32_t)((uint32_t)e << 23)) - 1.0f;
    float k = (float)e;
    float p = 7.0376836292e-2f;
    p = p * m + -1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m + -1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m + -1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m + -2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float square = m * m;
    return m + (p * m * square + k * LN2_LOW - 0.5f * square) + k * LN2_HIGH;
}

INLINE float normal_of(float u) {
    float x = 2.0f * u - 1.0f;
    float w = -log_of((1.0f - x) * (1.0f + x));
    float a = w - 2.5f;
    float p = 2.81022636e-08f;
    p = p * a + 3.43273939e-07f;
    p = p * a + -3.5233877e-06f;
    p = p * a + -4.39150654e-06f;
    p = p * a + 0.00021858087f;
    p = p * a + -0.00125372503f;
    p = p * a + -0.00417768164f;
    p = p * a + 0.246640727f;
    p = p * a + 1.50140941f;
    float b = sqrtf(max_of(w, 5.0f)) - 3.0f;
    float q = -0.000200214257f;
    q = q * b + 0.000100950558f;
    q = q * b + 0.00134934322f;
    q = q * b + -0.00367342844f;
    q = q * b + 0.00573950773f;
    q = q * b + -0.0076224613f;
    q = q * b + 0.00943887047f;
    q = q * b + 1.00167406f;
    q = q * b + 2.83297682f;
    return (w < 5.0f ? p : q) * x * 1.41421356f;
}

INLINE float student_t4_of(float u) {
    float d = 2.0f * u - 1.0f;
    float tail = min_of(u, 1.0f - u);
    float s = 2.0f * sqrtf(tail * (1.0f - tail));
    float r = 0.0268711526f;
    r = r * s + -0.147923436f;
    r = r * s + 0.375413978f;
    r = r * s + -0.606772727f;
    r = r * s + 0.745805658f;
    r = r * s + -0.798672776f;
    r = r * s + 0.816997547f;
    r = r * s + -0.833300049f;
    r = r * s + 0.8660252f;
    return 1.41421356f * d * sqrtf(r / s);
}
