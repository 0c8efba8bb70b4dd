/** A message that one of two schemas accepts and the other refuses, on purpose, and how to know such a one. */
export interface Difference {
  /** What is different, and why ours is as it is where the specification's words do not say so alone. */
  what: string
  /** The specification's words: of schema.ts, or of the changelog, of revision 2025-11-25 or 2026-07-28. */
  words: string
  /** Who refuses. The other accepts. */
  refusedBy: 'ours' | 'theirs'
  /** The official packages with which we differ. With the others we agree. */
  official: readonly ('sdk' | 'core')[]
  /** Where the refusing schema finds fault: the name of the type or the method, and the way from there, joined by dots. */
  at: RegExp
  /** What fault it finds there. Any, when left out. */
  fault?: 'invalid_format' | 'unrecognized_keys' | 'custom'
  /** One such message: the name of its type, and it. */
  example: readonly [name: string, value: unknown]
}

const tool = { name: 'water', inputSchema: { type: 'object' } }
const initialize = { protocolVersion: '2025-11-25', clientInfo: { name: 'a', version: '1' } }

export const differences: readonly Difference[] = [
  {
    what: 'A date that is not ISO 8601 passes: it should be one, it need not.',
    words: 'Should be an ISO 8601 formatted string (e.g., "2025-01-12T15:00:58Z").',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /^Annotations\.lastModified$|\.annotations\.lastModified$/,
    fault: 'invalid_format',
    example: ['Annotations', { lastModified: 'yesterday' }],
  },
  {
    what: 'Bytes are not decoded to see whether they can be: a format is for the one who decodes them.',
    words: 'A base64-encoded string representing the binary data of the item.',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /\.(data|blob)$/,
    fault: 'custom',
    example: ['BlobResourceContents', { uri: 'a:b', blob: 'a' }],
  },
  {
    what: 'An empty result may hold more than _meta.',
    words: 'export type EmptyResult = Result;',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /^EmptyResult$/,
    fault: 'unrecognized_keys',
    example: ['EmptyResult', { extra: 1 }],
  },
  {
    what: 'An unknown member of the envelope does no harm and is dropped.',
    words: 'Refers to any valid JSON-RPC object that can be decoded off the wire, or encoded to be sent.',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /^JSONRPC\w+$/,
    fault: 'unrecognized_keys',
    example: ['JSONRPCRequest', { jsonrpc: '2.0', id: 1, method: 'ping', extra: 1 }],
  },
  {
    what: 'Tasks are an experiment that is left out: what belongs to them passes through unread.',
    words: 'task?: TaskMetadata;',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /^[^.]*(\.params)?\.task(\.|$)/,
    example: ['CallToolRequestParams', { name: 'water', task: 1 }],
  },
  {
    what: 'Tasks are left out, and so is a key of _meta that is about them.',
    words: '_meta?: { [key: string]: unknown };',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /\.io\.modelcontextprotocol\/related-task(\.|$)/,
    example: [
      'CallToolRequestParams',
      { name: 'water', _meta: { 'io.modelcontextprotocol/related-task': 1 } },
    ],
  },
  {
    what: 'Tasks are left out, and so is the capability.',
    words: 'Known capabilities are defined here, in this schema, but this is not a closed set',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /(^ClientCapabilities|^ServerCapabilities|\.capabilities)\.tasks(\.|$)/,
    example: ['ClientCapabilities', { tasks: 1 }],
  },
  {
    what: 'Tasks are left out, and so is how a tool stands to them.',
    words: 'execution?: ToolExecution;',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /(^Tool|\.tools\.\d+)\.execution(\.|$)/,
    example: ['Tool', { ...tool, execution: 1 }],
  },
  {
    what: 'The form capability says nothing of `applyDefaults`.',
    words: 'elicitation?: { form?: object; url?: object };',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /\.elicitation\.form\.applyDefaults$/,
    example: ['ClientCapabilities', { elicitation: { form: { applyDefaults: 1 } } }],
  },
  {
    what: 'The form capability may be an array, as TypeScript has it.',
    words: 'elicitation?: { form?: object; url?: object };',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /\.elicitation\.form$/,
    example: ['InitializeRequestParams', { ...initialize, capabilities: { elicitation: { form: [] } } }],
  },
  {
    what: 'An object may be an array, as TypeScript has it, and as some languages write an empty one.',
    words: 'logging?: object;',
    refusedBy: 'theirs',
    official: ['core'],
    at: /\.(experimental\.[^.]*|logging|completions|sampling\.(context|tools)|elicitation\.url|metadata|extensions\.[^.]*)$/,
    example: ['ServerCapabilities', { logging: [] }],
  },
  {
    what: 'Only a request has a progress token; in a notification its key is like any other.',
    words: '_meta?: { [key: string]: unknown };',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /^(notifications\/.*\.params|.*NotificationParams|JSONRPC(Notification|Message)\.params)\._meta\.progressToken$/,
    example: ['CancelledNotificationParams', { _meta: { progressToken: {} } }],
  },
  {
    what: 'Only a request has a progress token; in a result its key is like any other.',
    words: '_meta?: { [key: string]: unknown };',
    refusedBy: 'theirs',
    official: ['sdk'],
    at: /(^\w+Result|^Result|\.result)\._meta\.progressToken$/,
    example: ['CallToolResult', { content: [], _meta: { progressToken: {} } }],
  },
  {
    what: 'A page to visit has an id only in 2025-11-25.',
    words: 'Remove [...] the `elicitationId` field of URL mode elicitation requests',
    refusedBy: 'theirs',
    official: ['sdk', 'core'],
    at: /\.elicitationId$/,
    example: ['ElicitRequestURLParams', { mode: 'url', message: '', url: 'https://example.com/' }],
  },
  {
    what: 'The kind of a result is a string: theirs know of no kinds, here.',
    words: 'export type ResultType = "complete" | "input_required" | string;',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /^[^.]*(\.result)?\.resultType$/,
    example: ['Result', { resultType: 1 }],
  },
  {
    what: 'What a result says of being kept is checked: theirs know nothing of it, here.',
    words: 'export interface CacheableResult extends Result {',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /^[^.]*\.(ttlMs|cacheScope)$/,
    example: ['ListToolsResult', { tools: [], cacheScope: 'mine' }],
  },
  {
    what: 'What a request is made again with is checked: theirs know nothing of it, here.',
    words: 'export interface InputResponseRequestParams extends RequestParams {',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /^[^.]*(\.params)?\.(inputResponses(\.[^.]*)?|requestState)$/,
    example: ['CallToolRequestParams', { name: 'water', requestState: 1 }],
  },
  {
    what: 'The schema of a property may be true or false, which are JSON Schemas too.',
    words: 'Defaults to JSON Schema 2020-12 when no explicit $schema is provided.',
    refusedBy: 'theirs',
    official: ['sdk'],
    at: /\.(inputSchema|outputSchema)\.properties\.[^.]*$/,
    example: ['Tool', { ...tool, inputSchema: { type: 'object', properties: { litres: true } } }],
  },
  {
    what: 'The schema of a property is an object, or true or false, and nothing else.',
    words: 'properties?: { [key: string]: object };',
    refusedBy: 'ours',
    official: ['core'],
    at: /\.inputSchema\.properties\.[^.]*$/,
    example: ['Tool', { ...tool, inputSchema: { type: 'object', properties: { litres: 'number' } } }],
  },
  {
    what: 'An output schema may be of anything since 2026-07-28.',
    words: 'outputSchema?: { $schema?: string; [key: string]: unknown };',
    refusedBy: 'theirs',
    official: ['sdk'],
    at: /\.outputSchema\.(type|properties|properties\.[^.]*|required|required\.\d+)$/,
    example: ['Tool', { ...tool, outputSchema: { type: 'array' } }],
  },
  {
    what: 'The dialect of an input schema is named by a string.',
    words: '$schema?: string;',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /\.inputSchema\.\$schema$/,
    example: ['Tool', { ...tool, inputSchema: { type: 'object', $schema: 1 } }],
  },
  {
    what: 'The dialect of an output schema is named by a string.',
    words: '$schema?: string;',
    refusedBy: 'ours',
    official: ['sdk'],
    at: /\.outputSchema\.\$schema$/,
    example: ['Tool', { ...tool, outputSchema: { type: 'object', $schema: 1 } }],
  },
  {
    what: 'The dialect of the schema of a form is named by a string.',
    words: '$schema?: string;',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /\.requestedSchema\.\$schema$/,
    example: [
      'ElicitRequestFormParams',
      { message: '', requestedSchema: { type: 'object', properties: {}, $schema: 1 } },
    ],
  },
  {
    what: 'The title of a prompt that is referred to is a string.',
    words: 'export interface PromptReference extends BaseMetadata {',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /(^PromptReference|\.ref)\.title$/,
    example: ['PromptReference', { type: 'ref/prompt', name: 'a', title: 1 }],
  },
  {
    what: "The title of a prompt's argument is a string.",
    words: 'export interface PromptArgument extends BaseMetadata {',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /(^PromptArgument|\.arguments\.\d+)\.title$/,
    example: ['PromptArgument', { name: 'a', title: 1 }],
  },
  {
    what: 'A structured result may be any JSON value since 2026-07-28.',
    words: 'structuredContent?: unknown;',
    refusedBy: 'theirs',
    official: ['sdk'],
    at: /\.structuredContent$/,
    example: ['CallToolResult', { content: [], structuredContent: 1 }],
  },
  {
    what: 'What a tool answered is not left out where it is sent to the model.',
    words: 'content: ContentBlock[];',
    refusedBy: 'ours',
    official: ['sdk'],
    at: /(^ToolResultContent|^SamplingMessageContentBlock|\.content(\.\d+)?)\.content$/,
    example: ['ToolResultContent', { type: 'tool_result', toolUseId: '1' }],
  },
  {
    what: 'That null is as good as absent is for the reading of all messages, and in no schema.',
    words: 'content?: { [key: string]: string | number | boolean | string[] };',
    refusedBy: 'ours',
    official: ['sdk', 'core'],
    at: /^ElicitResult\.content$/,
    example: ['ElicitResult', { action: 'decline', content: null }],
  },
  {
    what: 'The name of a server may be left out when it is wrong, as anything that need not be there; no schema says so.',
    words: "'io.modelcontextprotocol/serverInfo'?: Implementation;",
    refusedBy: 'ours',
    official: ['core'],
    at: /\.io\.modelcontextprotocol\/serverInfo(\.|$)/,
    example: [
      'DiscoverResult',
      {
        supportedVersions: [],
        capabilities: {},
        ttlMs: 0,
        cacheScope: 'public',
        resultType: 'complete',
        _meta: { 'io.modelcontextprotocol/serverInfo': 1 },
      },
    ],
  },
]
