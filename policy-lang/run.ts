// The second door: what runs programs that were compiled elsewhere. Nothing behind it reads policy text.
// Deliberately absent: the compiler (grammar, resolve, check, lowering), and what `index.ts` leaves out too.

export type { Evaluator } from './backends/js/create-evaluator.ts'
export { createEvaluator } from './backends/js/create-evaluator.ts'
export type { EntityStore, Facts, FactsView } from './entities/facts.ts'
export { createEntityStore } from './entities/store.ts'
export type { EntityData, Program, Tuple } from './ir/program.ts'
export { parseProgram, serialiseInSteps, serialiseProgram } from './ir/serialise.ts'
export { createLister } from './listing/create-lister.ts'
export type { Decision, EvaluateOptions, Externs, Request } from './runtime/decision.ts'
export { interpret } from './runtime/interpret.ts'
export { listPage } from './runtime/list.ts'
export { readData, readTuples } from './runtime/read-data.ts'
export { readRequest, supplyProperties } from './runtime/read-request.ts'
export type { Json } from './runtime/strict-json.ts'
export { parseStrictJson } from './runtime/strict-json.ts'
export { writeValue } from './runtime/write-value.ts'
