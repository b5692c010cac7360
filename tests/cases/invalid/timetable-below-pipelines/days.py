class WorkDays:
    pass
