/** Operations of a read-modify-write, by number, as the compiled program has them. */
export const RMW = { add: 0, subtract: 1, and: 2, or: 3, xor: 4, exchange: 5, compareExchange: 6 } as const;
