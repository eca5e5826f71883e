local function final()
	local s = task.status
	return s == 'COMPLETED' or s == 'FAILED' or s == 'CANCELLED'
end
