/** What one policy file may cost. Whatever is larger is refused with a located diagnostic (F8xxx), never cut off. */
export const limits = {
  /** UTF-16 units of one file. */
  sourceLength: 4 * 1024 * 1024,
  /** UTF-16 units of one line. */
  lineLength: 16_384,
  itemsPerFile: 100_000,
  tokensPerItem: 50_000,
  /** Brackets inside brackets. */
  bracketDepth: 64,
  /** Height of an expression's tree: later stages walk it by recursion. */
  treeDepth: 500,
  /** Errors of one file; after them the rest of the file is not read. */
  errorsPerFile: 100,
  /** Token shapes whose derivation is remembered. */
  cachedShapes: 10_000,
  /** Nodes of one rule once its functions are expanded. */
  nodesPerRule: 20_000,
  /** Functions that call functions, constants made of constants, types made of types. */
  declarationDepth: 100,
  /** Parts of one type once the types that it names are expanded. */
  partsOfType: 1_000,
  /** Rules of a composed set (SPEC 6). */
  rulesPerSet: 100_000,
} as const
