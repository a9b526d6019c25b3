// The whole public surface of the policy compiler. Strings in, diagnostics and programs out.
// Deliberately absent: file access, network, clock, randomness, environment. Callers pass texts and `now` in.

export type { EntityStore, Facts } from './entities/facts.ts'
export type { ParsedFile, ParseMemory } from './grammar/parse.ts'
export { parseExpression, parseFile } from './grammar/parse.ts'
export type { EntityValue, Value } from './ir/nodes.ts'
export type { ActionType, AttributeType, EntityData, EntityType, Layer, Program, Rule, Tuple } from './ir/program.ts'
export { actionKey } from './ir/program.ts'
export type { FieldType, Type } from './ir/types.ts'
export type { Cause, Decision, Request } from './runtime/decision.ts'
export { codes, diagnostic } from './source/codes.ts'
export type { Diagnostic, Severity } from './source/diagnostic.ts'
export { makeSourceFile } from './source/source-file.ts'
export type { SourceFile, Span } from './source/span.ts'

// Contract of the functions that the stages behind this door provide (each row appears here when its file exists):
//
// compileProgram(files: PolicyFile[], options?: CompileOptions): CompileResult           compile.ts
//   PolicyFile = { path: string; text: string; layer?: Layer; organization?: string }
//   CompileResult = { program?: Program; diagnostics: Diagnostic[]; sources: SourceFile[] }   program absent iff an error stands
// compileExpression(source, environment, expected): …                                    compile.ts
// parseFile / formatFile(text): { text, diagnostics }                                     grammar/, ast/format.ts
// renderDiagnostics(diagnostics, sources, { color }): string                              source/render.ts
// createEntityStore(program): EntityStore                                                 entities/store.ts
// interpret(program, facts, request, { now, externs }): Decision                          runtime/interpret.ts
// createEvaluator(program): Evaluator  (JavaScript backend, interpreter where code generation is forbidden)   backends/js/
//   Evaluator.decide(facts, request, { now, externs }): Decision
//   Evaluator.allows(facts, request, options): boolean
// listResources(program, facts, …): string[]                                              runtime/list.ts
// readRequest(program, json): Request | InvalidRequest                                    runtime/read-request.ts
// readData(program, json): { entities, tuples, problems }                                 runtime/read-data.ts
// runTests(program, evaluator?): TestReport                                               runtime/run-tests.ts
// factsOf(program, action, subjectType, resourceType): AccessPlan                         analyse/facts.ts
