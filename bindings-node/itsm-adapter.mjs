import adapter from './itsm-adapter.js'

export const {
  AbortError, Accounts, Alerts, Client, Connections, Events, Instances, ItsmError, Policies, RecordPage, Records,
  Registrations, Sources, Subscription, Webhooks, Worker, egressRanges, forwardLogs,
} = adapter
