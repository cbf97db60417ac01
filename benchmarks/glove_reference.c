/* GloVe's training pass from the paper's formulas (Pennington, Socher and Manning 2014), as a plain scalar program in
   double precision: the yardstick of benchmarks/glove.py. Records as in the published program's shuffled file. */

#include <math.h>
#include <stdint.h>

typedef struct {
    int32_t row, column;
    double count;
} Record;

/* `parameters` and `squares` hold, for 2 V vectors (words, then contexts), D components and a bias each.
   Returns the summed loss. */
double glove_pass(double *parameters, double *squares, const Record *records, int64_t n_records, int64_t n_words,
                  int64_t size, double rate, double x_max, double exponent) {
    double total = 0.0;
    for (int64_t n = 0; n < n_records; n++) {
        const int64_t word = records[n].row * (size + 1);
        const int64_t context = (n_words + records[n].column) * (size + 1);
        double product = 0.0;
        for (int64_t d = 0; d < size; d++) product += parameters[word + d] * parameters[context + d];
        const double count = records[n].count;
        const double error = product + parameters[word + size] + parameters[context + size] - log(count);
        const double slope = (count < x_max ? pow(count / x_max, exponent) : 1.0) * error;
        total += 0.5 * slope * error;
        for (int64_t d = 0; d < size; d++) {
            const double word_step = rate * slope * parameters[context + d];
            const double context_step = rate * slope * parameters[word + d];
            parameters[word + d] -= word_step / sqrt(squares[word + d]);
            parameters[context + d] -= context_step / sqrt(squares[context + d]);
            squares[word + d] += word_step * word_step;
            squares[context + d] += context_step * context_step;
        }
        const double step = rate * slope;
        parameters[word + size] -= step / sqrt(squares[word + size]);
        parameters[context + size] -= step / sqrt(squares[context + size]);
        squares[word + size] += step * step;
        squares[context + size] += step * step;
    }
    return total;
}
