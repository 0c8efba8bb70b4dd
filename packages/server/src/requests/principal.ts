/** The caller of a request, as the `principal` option identified it. `undefined` is an anonymous caller. */
export type Principal = string | undefined
