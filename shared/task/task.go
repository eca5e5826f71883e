package task

import "time"

// Error is why a task failed, for its user.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The failure codes that a user may meet.
const (
	Timeout           = "timeout"            // the worker took longer than TASK_TIMEOUT
	WorkerUnavailable = "worker_unavailable" // no worker took the task before its deadline
	WorkerLost        = "worker_lost"        // the workers that had the task fell silent, MAX_ATTEMPTS times
	ImageRejected     = "image_rejected"     // the worker can't make a model of this picture
	WorkerFailed      = "worker_failed"      // the worker tried and failed
)

// Task is one reconstruction of one picture.
type Task struct {
	ID      string
	User    string
	ImageID string
	Input   Input
	Status  Status
	// Attempt is the fencing token: the number of the present hand-over, 0 before the first.
	Attempt       int
	Worker        string // base URL of the worker that was sent the present attempt, "" if none
	Progress      int    // percent
	Stage         string
	QueuePosition *int     // where the worker queues the task
	ETASeconds    *float64 // seconds, as the worker estimates
	Error         *Error   // of a FAILED task
	CreatedAt     time.Time
	UpdatedAt     time.Time
	StartedAt     time.Time // first PROCESSING, zero before
	FinishedAt    time.Time // zero before a final status
	Results       []Result  // stored ones of the present attempt, in the order in which they came
}

// Input is a task's own copy of its picture.
type Input struct {
	Key         string // of the object
	ContentType string
	Size        int64
	SHA256      string
	Name        string // the file's name, as its owner uploaded it
}

// Result is one named file that a worker made.
type Result struct {
	Name        string
	Attempt     int
	Key         string // of the object
	Size        int64
	SHA256      string
	ContentType string
	CreatedAt   time.Time
}

// The kinds of event.
const (
	StatusEvent   = "status"
	ResultEvent   = "result"
	ProgressEvent = "progress"
)

// Event is one thing that happened to a task. Status and result events are durable and numbered 1, 2, 3 … without holes;
// progress has number 0, is not stored, and only the last one counts.
type Event struct {
	Number  int64
	Kind    string
	TaskID  string
	Attempt int
	At      time.Time

	Status Status  // of a status event
	Error  *Error  // of a status event, where the status is FAILED
	Result *Result // of a result event

	Progress      int    // of a progress event, percent
	Stage         string // of a progress event
	QueuePosition *int
	ETASeconds    *float64
}
