/* The training loops of mazur and xor as a C programmer writes them, for gcc -O3; called through ctypes. */
#include <math.h>

static double sigmoid(double z) { return 1.0 / (1.0 + exp(-z)); }

void mazur(double W1[2][2], double W2[2][2], double b1, double b2, const double *x, const double *t, double rate, long steps, double *losses)
{
    for (long k = 0; k < steps; k++) {
        double h[2], y[2], d2[2], d1[2], loss = 0.0;
        for (int i = 0; i < 2; i++)
            h[i] = sigmoid(W1[i][0] * x[0] + W1[i][1] * x[1] + b1);
        for (int i = 0; i < 2; i++) {
            y[i] = sigmoid(W2[i][0] * h[0] + W2[i][1] * h[1] + b2);
            double e = y[i] - t[i];
            loss += 0.5 * e * e;
            d2[i] = e * y[i] * (1.0 - y[i]);
        }
        for (int i = 0; i < 2; i++)
            d1[i] = (W2[0][i] * d2[0] + W2[1][i] * d2[1]) * h[i] * (1.0 - h[i]);
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                W1[i][j] -= rate * d1[i] * x[j];
                W2[i][j] -= rate * d2[i] * h[j];
            }
        losses[k] = loss;
    }
}

void xor(double W[2][4], double v[4], const double X[4][2], const double *t, double rate, long steps, double *losses)
{
    for (long k = 0; k < steps; k++) {
        double gW[2][4] = {{0}}, gv[4] = {0}, loss = 0.0;
        for (int r = 0; r < 4; r++) {
            double h[4], a = 0.0;
            for (int j = 0; j < 4; j++) {
                h[j] = sigmoid(X[r][0] * W[0][j] + X[r][1] * W[1][j]);
                a += h[j] * v[j];
            }
            double y = sigmoid(a), e = y - t[r];
            loss += e * e;
            double d = 2.0 * e / 4.0 * y * (1.0 - y);
            for (int j = 0; j < 4; j++) {
                gv[j] += d * h[j];
                double dh = d * v[j] * h[j] * (1.0 - h[j]);
                gW[0][j] += X[r][0] * dh;
                gW[1][j] += X[r][1] * dh;
            }
        }
        for (int j = 0; j < 4; j++) {
            v[j] -= rate * gv[j];
            W[0][j] -= rate * gW[0][j];
            W[1][j] -= rate * gW[1][j];
        }
        losses[k] = loss / 4.0;
    }
}

double wave(const double *x, long n, double a, double b, double c, double *slope)
{
    double value = 0.0;
    for (long i = 0; i < n; i++) {
        double t = tanh(a * x[i] + b), e = exp(-x[i] * x[i]), s = sin(c * x[i]), k = cos(c * x[i]);
        value += t * e * s;
        slope[i] = a * (1.0 - t * t) * e * s - 2.0 * x[i] * t * e * s + c * t * e * k;
    }
    return value;
}
