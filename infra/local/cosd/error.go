package cosd

import "net/http"

// code is the `Code` of an error, what programs branch on (https://cloud.tencent.com/document/product/436/7730).
type code string

const (
	accessDenied          code = "AccessDenied"
	accessForbidden       code = "AccessForbidden"
	badDigest             code = "BadDigest"
	entityTooLarge        code = "EntityTooLarge"
	entityTooSmall        code = "EntityTooSmall"
	fileAlreadyExists     code = "FileAlreadyExists"
	incompleteBody        code = "IncompleteBody"
	incorrectFiles        code = "IncorrectNumberOfFilesInPostRequest"
	internalError         code = "InternalError"
	invalidAccessKeyID    code = "InvalidAccessKeyId"
	invalidArgument       code = "InvalidArgument"
	invalidCopySource     code = "InvalidCopySource"
	invalidDelimiter      code = "InvalidDelimiter"
	invalidDigest         code = "InvalidDigest"
	invalidPart           code = "InvalidPart"
	invalidPartOrder      code = "InvalidPartOrder"
	invalidPolicyDocument code = "InvalidPolicyDocument"
	invalidRange          code = "InvalidRange"
	invalidRequest        code = "InvalidRequest"
	invalidSHA1Digest     code = "InvalidSHA1Digest"
	invalidURI            code = "InvalidURI"
	keyTooLong            code = "KeyTooLong"
	malformedPOSTRequest  code = "MalformedPOSTRequest"
	malformedXML          code = "MalformedXML"
	methodNotAllowed      code = "MethodNotAllowed"
	missingContentLength  code = "MissingContentLength"
	noSuchKey             code = "NoSuchKey"
	noSuchUpload          code = "NoSuchUpload"
	notImplemented        code = "NotImplemented"
	preconditionFailed    code = "PreconditionFailed"
	requestTimeTooSkewed  code = "RequestTimeTooSkewed"
	signatureDoesNotMatch code = "SignatureDoesNotMatch"
)

// apiError is what a client is told.
type apiError struct {
	Code    code
	Message string
	Allow   string // of methodNotAllowed
	Cause   error  // logged, never sent
}

func fault(c code, message string) *apiError { return &apiError{Code: c, Message: message} }

func (e *apiError) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *apiError) Unwrap() error { return e.Cause }

func (e *apiError) status() int {
	switch e.Code {
	case accessDenied, accessForbidden, invalidAccessKeyID, requestTimeTooSkewed, signatureDoesNotMatch:
		return http.StatusForbidden
	case noSuchKey, noSuchUpload:
		return http.StatusNotFound
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case fileAlreadyExists:
		return http.StatusConflict
	case missingContentLength:
		return http.StatusLengthRequired
	case preconditionFailed:
		return http.StatusPreconditionFailed
	case invalidRange:
		return http.StatusRequestedRangeNotSatisfiable
	case internalError:
		return http.StatusInternalServerError
	case notImplemented:
		return http.StatusNotImplemented
	default:
		return http.StatusBadRequest
	}
}
