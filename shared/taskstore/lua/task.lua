-- The task: fields of its hash, false where absent. Those that the script names at its
-- registration were read at once; any other is read when it is asked for. Its status is absent where it is not there.

setmetatable(task, {
	__index = function(fields, name)
		local value = call('HGET', TASK, name)
		fields[name] = value
		return value
	end,
})

if task.op and string.sub(task.op, 1, #OP) == OP then
	return string.sub(task.op, #OP + 2)
end

local ID = string.sub(TASK, -36)

local function num(field)
	return tonumber(task[field]) or 0
end
