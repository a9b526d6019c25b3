// The whole public surface of the policy compiler. Strings in, diagnostics and programs out.
// Deliberately absent: file access, network, clock, randomness, environment. Callers pass texts and `now` in.

export type { SchemaChange } from './analyse/compare-schemas.ts'
export { compareSchemas } from './analyse/compare-schemas.ts'
export type { Coverage, RuleCoverage } from './analyse/coverage.ts'
export { measureCoverage } from './analyse/coverage.ts'
export type { AccessNode, AccessPlan, RelationNeeds } from './analyse/facts.ts'
export { factsOf, relationNeeds } from './analyse/facts.ts'
export { touchedTypes } from './analyse/touched-types.ts'
export { formatTree } from './ast/format.ts'
export { formatFile } from './ast/format-file.ts'
export type { ExplainQuestion } from './backends/explain/explain.ts'
export { explain } from './backends/explain/explain.ts'
export type {
  CallerExplanation,
  ExplainedCondition,
  ExplainedRule,
  Explanation,
  FullExplanation,
  NearMiss,
  RelationEdge,
  ShownValue,
} from './backends/explain/explanation.ts'
export { writeAdvice, writeExplanation } from './backends/explain/write-explanation.ts'
export type { Evaluator, EvaluatorMemory } from './backends/js/create-evaluator.ts'
export { createEvaluator } from './backends/js/create-evaluator.ts'
export type { Filter, FilterOptions, FilterQuestion } from './backends/sql/compile-filter.ts'
export { checkFilter, compileFilter, noRow } from './backends/sql/compile-filter.ts'
export { sqlFunctions } from './backends/sql/functions.ts'
export type { Memory } from './backends/sql/held-ids.ts'
export type { ColumnKind, SqlColumn, SqlSource, SqlTable } from './backends/sql/sql-source.ts'
export type { TreeOptions, TreeResult } from './backends/tree/compile-tree.ts'
export { compileTree, nothingListed } from './backends/tree/compile-tree.ts'
export type { ConditionTree, TreeNode } from './backends/tree/condition-tree.ts'
export { compareCodePoints } from './builtins/code-points.ts'
export { formatIp } from './builtins/ip-range.ts'
export type { CompileMemory, CompileOptions, CompileResult } from './compile.ts'
export { compileProgram } from './compile.ts'
export type { CompiledExpression, ExpressionEnvironment } from './compile-expression.ts'
export { compileExpression } from './compile-expression.ts'
export { isKnownEdition, knownEditions, newestEdition } from './editions.ts'
export type { EntityStore, Facts, FactsView, StoreProblem } from './entities/facts.ts'
export { createEntityStore } from './entities/store.ts'
export type { ParsedFile } from './grammar/parse.ts'
export { parseExpression, parseFile } from './grammar/parse.ts'
export type { EntityValue, Value } from './ir/nodes.ts'
export type {
  ActionType,
  AttributeType,
  EntityData,
  EntityType,
  ExternType,
  Layer,
  Program,
  Rule,
  Tuple,
  TupleSubject,
} from './ir/program.ts'
export { actionKey } from './ir/program.ts'
export { parseProgram, serialiseProgram } from './ir/serialise.ts'
export type { FieldType, Type } from './ir/types.ts'
export { walk as walkExpr } from './ir/walk.ts'
export type { Candidates, Listed, Lister } from './listing/create-lister.ts'
export { createLister } from './listing/create-lister.ts'
export type { PlanExplanation } from './optimise/explain-plan.ts'
export { explainPlan } from './optimise/explain-plan.ts'
export type { PolicyFile } from './parse-set.ts'
export { completeResidual } from './partial/complete.ts'
export type { PartialQuestion, Residual } from './partial/partial-evaluate.ts'
export { partialEvaluate } from './partial/partial-evaluate.ts'
export type { Cause, Decision, EvaluateOptions, Externs, Request } from './runtime/decision.ts'
export { interpret } from './runtime/interpret.ts'
export type { Decide, ListPage } from './runtime/list.ts'
export { actionNames, listActions, listPage, listResources, listSubjects } from './runtime/list.ts'
export type { DataProblem, ReadData } from './runtime/read-data.ts'
export { findDangling, readData, readStoredParameters, readTuples } from './runtime/read-data.ts'
export { readInstant } from './runtime/read-instant.ts'
export type { ReadRequest, SuppliedProperties } from './runtime/read-request.ts'
export { anonymous, readContext, readRequest, supplyProperties } from './runtime/read-request.ts'
export { readEntity, readValue } from './runtime/read-value.ts'
export type { TestReport } from './runtime/run-tests.ts'
export { runTests } from './runtime/run-tests.ts'
export type { Json, JsonLimits, JsonResult } from './runtime/strict-json.ts'
export { parseStrictJson } from './runtime/strict-json.ts'
export { writeJson, writeValue } from './runtime/write-value.ts'
export { codes, diagnostic } from './source/codes.ts'
export type { Diagnostic, Severity } from './source/diagnostic.ts'
export { lineStarts, positionOf } from './source/position.ts'
export type { DiagnosticJson } from './source/render.ts'
export { diagnosticsToJson, renderDiagnostics } from './source/render.ts'
export { makeSourceFile } from './source/source-file.ts'
export type { SourceFile, Span } from './source/span.ts'
